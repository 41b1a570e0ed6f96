//! As much of Discord's markdown as a page needs: bold, code, masked links, small print, escapes and
//! mentions, over escaped text.

use crate::discord::id::Snowflake;
use crate::discord::mentions::{Mark, marks};
use crate::discord::state::World;

/// Text for HTML, in elements and in attributes.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// Markdown as HTML. Mentions show the names that `guild` and the users have.
pub(super) fn to_html(world: &World, guild: Option<Snowflake>, text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let taken = mention(world, guild, rest)
            .or_else(|| code(rest))
            .or_else(|| bold(world, guild, rest))
            .or_else(|| link(rest))
            .or_else(|| small_print(world, guild, text, rest))
            .or_else(|| escaped_sign(rest));
        let (piece, length) = taken.unwrap_or_else(|| (escape(&letter.to_string()), letter.len_utf8()));
        html.push_str(&piece);
        rest = rest.get(length..).unwrap_or_default();
    }
    html
}

/// A piece of HTML and the length of the text that it stands for.
type Piece = Option<(String, usize)>;

/// A mention of nobody stays as it was written.
fn mention(world: &World, guild: Option<Snowflake>, text: &str) -> Piece {
    let sign = if text.starts_with("<@") {
        text.get(..=text.find('>')?)?
    } else {
        ["@everyone", "@here"].into_iter().find(|sign| text.starts_with(sign))?
    };
    let name = match marks(sign).next() {
        Some((Mark::User, user)) => format!("@{}", world.users.get(&user)?.name),
        Some((Mark::Role, role)) => format!("@{}", world.guilds.get(&guild?)?.roles.get(&role)?.name),
        None if sign.starts_with('@') => sign.to_owned(),
        None => return None,
    };
    let html = format!("<span class=\"mention\">{}</span>", escape(&name));
    Some((html, sign.len()))
}

fn code(text: &str) -> Piece {
    let inside = text.strip_prefix('`')?;
    let inside = inside.get(..inside.find('`')?).filter(|inside| !inside.is_empty())?;
    Some((format!("<code>{}</code>", escape(inside)), inside.len() + 2))
}

fn bold(world: &World, guild: Option<Snowflake>, text: &str) -> Piece {
    let inside = text.strip_prefix("**")?;
    let inside = inside.get(..inside.find("**")?).filter(|inside| !inside.is_empty())?;
    Some((format!("<b>{}</b>", to_html(world, guild, inside)), inside.len() + 4))
}

fn link(text: &str) -> Piece {
    let (label, rest) = text.strip_prefix('[')?.split_once("](")?;
    let url = rest.get(..rest.find(')')?)?;
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    if !is_web || label.contains(['\n', ']']) {
        return None;
    }
    let html = format!("<a href=\"{}\" rel=\"noreferrer\">{}</a>", escape(url), escape(label));
    Some((html, label.len() + url.len() + 4))
}

/// A line that begins with `-# `.
fn small_print(world: &World, guild: Option<Snowflake>, text: &str, rest: &str) -> Piece {
    let before = text.get(..text.len().checked_sub(rest.len())?)?;
    let line = rest.strip_prefix("-# ").filter(|_| before.is_empty() || before.ends_with('\n'))?;
    let line = line.lines().next().filter(|line| !line.is_empty())?;
    Some((format!("<small>{}</small>", to_html(world, guild, line)), line.len() + 3))
}

fn escaped_sign(text: &str) -> Piece {
    let sign = text.strip_prefix('\\')?.chars().next().filter(char::is_ascii_punctuation)?;
    Some((escape(&sign.to_string()), 2))
}
