//! Makes untrusted text harmless and short enough for where Discord shows it.
//!
//! Discord reads markdown, mentions, masked links, timestamps, slash commands and custom emoji in a
//! message's content and in an embed's title and fields; a footer is shown as it is. So there are two
//! encodings: [`markdown`] and [`plain`]. Both take out what nobody sees (bidirectional controls,
//! zero-width and filler characters, tags) and make one space of every run of white space and control
//! characters, so that a text stays one line and reads in the order it was written.
//!
//! Limits count UTF-16 units of the *encoded* text. Discord's documentation says "characters"; its
//! clients count UTF-16 units, twilight counts code points. UTF-16 units are never fewer, so that a text
//! within the limit is within it by either count.

use url::Url;

/// Ends a text that was cut: one UTF-16 unit.
const ELLIPSIS: char = '…';
/// Stands between `@` and `everyone`, as Discord's own libraries do it: a backslash hides the mention
/// from readers, but not from whoever searches the text for it.
const ZERO_WIDTH_SPACE: char = '\u{200b}';
/// What means something anywhere in a line: emphasis, code, spoilers, `<…>` forms, masked links,
/// addresses and emoji (`:`), invitations (`discord.gg/…`), mentions.
const SPECIAL: &[char] = &['\\', '*', '_', '~', '`', '|', '<', '>', '[', ']', ':', '/', '@'];
/// What means something at the beginning of a line: lists, headings, small print.
const SPECIAL_AT_START: &[char] = &['-', '+', '#'];
/// The longest link that is made, in UTF-16 units; a longer one is left out.
pub(crate) const MAX_LINK: usize = 300;

/// The length of a text as limits count it: UTF-16 units.
pub(crate) fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// A text for content, titles and fields: reads as itself, whatever it holds. At most `max` units, cut
/// with `…` and never inside an escape. Empty when there is nothing to see.
pub(crate) fn markdown(text: &str, max: usize) -> String {
    // Every character is at least one unit, so that more than this cannot fit.
    let line: String = visible(text).take(max.saturating_add(1)).collect();
    let pieces = line.char_indices().map(|(at, c)| escaped(c, &line[..at], &line[at + c.len_utf8()..]));
    fitted(pieces, max)
}

/// A text for places that show it as it is, such as footers. At most `max` units.
pub(crate) fn plain(text: &str, max: usize) -> String {
    fitted(visible(text).map(String::from), max)
}

/// An address that can stand in a masked link or be an embed's: `http` or `https`, without credentials,
/// with nothing in it that ends the link early. `None` when it cannot be that.
pub(crate) fn link(address: &str) -> Option<String> {
    let url = Url::parse(address.trim()).ok()?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    let is_anonymous = url.username().is_empty() && url.password().is_none();
    let text = url.as_str().replace('(', "%28").replace(')', "%29").replace('<', "%3C").replace('>', "%3E");
    let is_clean = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    (is_web && is_anonymous && is_clean && units(&text) <= MAX_LINK).then_some(text)
}

/// One character, with what makes it stand for itself between `before` and `after`.
fn escaped(c: char, before: &str, after: &str) -> String {
    let starts_line = before.is_empty() && SPECIAL_AT_START.contains(&c);
    let numbers_line = c == '.' && !before.is_empty() && before.bytes().all(|byte| byte.is_ascii_digit());
    let mut piece = String::new();
    if SPECIAL.contains(&c) || starts_line || numbers_line {
        piece.push('\\');
    }
    piece.push(c);
    if c == '@' && (starts_with(after, "everyone") || starts_with(after, "here")) {
        piece.push(ZERO_WIDTH_SPACE);
    }
    piece
}

fn starts_with(text: &str, word: &str) -> bool {
    text.as_bytes().get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()))
}

/// The characters that somebody sees, on one line, without white space at the ends.
fn visible(text: &str) -> impl Iterator<Item = char> {
    let mut started = false;
    let mut pending = false;
    let pairs = text.chars().filter(|c| !is_hidden(*c)).map(move |c| {
        if c.is_whitespace() || c.is_control() {
            pending = started;
            [None, None]
        } else {
            started = true;
            [std::mem::take(&mut pending).then_some(' '), Some(c)]
        }
    });
    pairs.flatten().flatten()
}

/// Characters without a shape of their own that change how others are read, or fake an empty text
/// (Unicode: default ignorable code points, bidirectional controls, interlinear annotations). Variation
/// selectors stay: emoji need them.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{2800}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// As many whole pieces as fit, with `…` in place of those that do not.
fn fitted(pieces: impl Iterator<Item = String>, max: usize) -> String {
    let mut text = String::new();
    let mut used = 0;
    // The longest beginning that leaves room for the ellipsis.
    let mut room_until = 0;
    for piece in pieces {
        used += units(&piece);
        if used > max {
            text.truncate(room_until);
            text.truncate(text.trim_end().len());
            if max > 0 {
                text.push(ELLIPSIS);
            }
            return text;
        }
        text.push_str(&piece);
        if used < max {
            room_until = text.len();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn untrusted_text_reads_as_itself() {
        let cases = [
            ("Fix the login page", "Fix the login page"),
            ("**bold** _it_ ~~no~~ ||spoiler||", r"\*\*bold\*\* \_it\_ \~\~no\~\~ \|\|spoiler\|\|"),
            ("<@1> <@!2> <@&3> <#4>", r"\<\@1\> \<\@!2\> \<\@&3\> \<#4\>"),
            ("@everyone @HERE @ada", "\\@\u{200b}everyone \\@\u{200b}HERE \\@ada"),
            ("[free](https://evil.example)", r"\[free\](https\:\/\/evil.example)"),
            ("<t:1700000000:R> </help:5> <:x:6>", r"\<t\:1700000000\:R\> \<\/help\:5\> \<\:x\:6\>"),
            ("```code```", r"\`\`\`code\`\`\`"),
            (r"a\*b", r"a\\\*b"),
            ("# heading #42", r"\# heading #42"),
            ("- item", r"\- item"),
            ("-# small", r"\-# small"),
            ("> quote", r"\> quote"),
            ("1. first 2. second", r"1\. first 2. second"),
            ("BACKEND-42", "BACKEND-42"),
            ("two\r\nlines\tand\u{0}more ", "two lines and more"),
            ("abc\u{202e}gnp.exe\u{200b}", "abcgnp.exe"),
            ("@every\u{200d}one", "\\@\u{200b}everyone"),
            ("<\u{2060}@1>", r"\<\@1\>"),
            ("\u{3164}\u{200b} \u{2800}", ""),
            ("discord.gg/abc", r"discord.gg\/abc"),
            ("😀 ok", "😀 ok"),
        ];
        for (text, expected) in cases {
            assert_eq!(markdown(text, 1000), expected, "{text:?}");
        }
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_outside_of_escapes() {
        let cases = [
            ("abcdef", 6, "abcdef"),
            ("abcdef", 5, "abcd…"),
            ("ab**", 6, r"ab\*\*"),
            ("ab**", 5, r"ab\*…"),
            ("ab**", 4, r"ab…"),
            ("a 😀😀", 5, "a 😀…"),
            ("a 😀😀", 4, "a…"),
            ("ab", 1, "…"),
            ("ab", 0, ""),
        ];
        for (text, max, expected) in cases {
            assert_eq!(markdown(text, max), expected, "{text:?} in {max}");
        }
    }

    #[test]
    fn a_plain_text_is_not_escaped_but_cleaned_and_cut() {
        assert_eq!(plain("a_b\u{202e} *c*\n<@1>", 100), "a_b *c* <@1>");
        assert_eq!(plain("abcdef", 3), "ab…");
    }

    #[test]
    fn links_lead_to_web_pages_only_and_cannot_end_early() {
        let cases = [
            ("https://dev.azure.com/a/_workitems/edit/7", Some("https://dev.azure.com/a/_workitems/edit/7")),
            ("https://h/a)[x](b c", Some("https://h/a%29[x]%28b%20c")),
            ("https://h/a>b", Some("https://h/a%3Eb")),
            ("javascript:alert(1)", None),
            ("https://user:secret@h/", None),
            ("discord://x/y", None),
            ("nothing", None),
            ("", None),
        ];
        for (address, expected) in cases {
            assert_eq!(link(address).as_deref(), expected, "{address}");
        }
        assert_eq!(link(&format!("https://h/{}", "a".repeat(MAX_LINK))), None);
    }

    /// Random strings of what is dangerous, from a fixed seed (xorshift).
    #[test]
    fn no_text_ever_pings_or_passes_its_limit() {
        let parts = [
            "<", "@", "&", "!", "#", ">", "everyone", "here", "1", "\\", "*", "_", "`", "[", "](", ")", "https://",
            "t:", "\u{202e}", "\u{200b}", "\u{200d}", "\n", " ", "😀", "é", "\u{0}", ":", "/", "|", "EVERYONE", "-",
        ];
        let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
        let mut next = move |below: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            usize::try_from(seed % u64::try_from(below).unwrap()).unwrap()
        };
        for _ in 0..20_000 {
            let text: String = (0..next(24)).map(|_| parts[next(parts.len())]).collect();
            let max = next(40);
            let encoded = markdown(&text, max);
            assert!(units(&encoded) <= max, "{text:?} in {max}: {encoded:?}");
            let lower = encoded.to_lowercase();
            for forbidden in ["<@", "<t:", "</", "<:", "@everyone", "@here", "://", "\u{202e}", "\n"] {
                assert!(!lower.contains(forbidden), "{text:?}: {encoded:?} holds {forbidden:?}");
            }
            let mut left = encoded.chars();
            while let Some(c) = left.next() {
                if c == '\\' {
                    assert!(left.next().is_some_and(|c| c != ELLIPSIS), "{text:?}: {encoded:?} ends in half an escape");
                } else {
                    assert!(!SPECIAL.contains(&c), "{text:?}: {encoded:?} holds a bare {c:?}");
                }
            }
        }
    }
}
