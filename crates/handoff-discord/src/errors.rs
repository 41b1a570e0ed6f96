//! What Discord refuses, and what that means for us: which codes end a route, a message or everything,
//! and which are tried again.
//!
//! Discord documents the codes (topics/opcodes-and-status-codes) but not what to do about them; the
//! classes here are ours. Only a code that says so makes a channel unusable: a 403 without a code comes
//! from what stands in front of Discord, and passes.

use handoff_domain::port::ChatError;
use serde_json::Value;
use std::time::Duration;

/// Code: the thread is archived; edits are refused until it is taken out.
pub(crate) const ARCHIVED_THREAD: u64 = 50083;
/// Code: no such channel; of a card's thread, that it was not begun yet.
pub(crate) const UNKNOWN_CHANNEL: u64 = 10003;
/// Code: the message has a thread already.
pub(crate) const THREAD_EXISTS: u64 = 160_004;
/// Code: the thread is locked.
pub(crate) const THREAD_LOCKED: u64 = 160_005;
/// Code: the server has as many active threads as it can have.
pub(crate) const TOO_MANY_THREADS: u64 = 160_006;
/// Code: replying needs the permission to read the history.
pub(crate) const REPLY_NEEDS_HISTORY: u64 = 160_002;
/// How long to wait after a 429 that does not say it.
pub(crate) const UNSAID_RETRY_AFTER: Duration = Duration::from_secs(60);
/// No answer makes us wait longer than this before we ask again.
pub(crate) const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 3600);
/// The longest account of what is wrong with a form, in bytes.
const MAX_DETAILS: usize = 500;
/// How deep an account of errors is read.
const MAX_DEPTH: usize = 12;

/// An answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The HTTP status.
    pub(crate) status: u16,
    /// Discord's code; `None` where the answer is not Discord's JSON, or has none.
    pub(crate) code: Option<u64>,
    /// Discord's words, without anything that we sent.
    words: String,
    is_json: bool,
    /// How long to wait, where the body says it.
    pub(crate) retry_after: Option<Duration>,
    /// The body says that a 429 is the global one.
    pub(crate) is_global: bool,
}

/// Why a request has no success to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Discord, or what stands before it, answered otherwise.
    Refused(Refusal),
    /// Not asked, or without an answer.
    Other(ChatError),
}

impl Failure {
    /// Discord's code, where it gave one.
    pub(crate) fn code(&self) -> Option<u64> {
        match self {
            Self::Refused(refusal) => refusal.code,
            Self::Other(_) => None,
        }
    }
}

impl From<Failure> for ChatError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) => refusal.into(),
            Failure::Other(error) => error,
        }
    }
}

impl From<ChatError> for Failure {
    fn from(error: ChatError) -> Self {
        Self::Other(error)
    }
}

/// Nothing is known for certain, or nothing happened: the same may be tried again.
pub(crate) fn retry(reason: impl Into<String>, after: Option<Duration>) -> ChatError {
    ChatError::Retry { reason: reason.into(), after }
}

impl Refusal {
    /// Reads an answer.
    pub(crate) fn read(status: u16, body: &[u8]) -> Self {
        let json: Value = serde_json::from_slice(body).unwrap_or_default();
        let code = json["code"].as_u64().filter(|code| *code > 0);
        let mut words = json["message"].as_str().unwrap_or_default().chars().take(200).collect::<String>();
        let mut details = String::new();
        describe(&json["errors"], "", &mut details, 0);
        if !details.is_empty() {
            words = format!("{words} ({details})");
        }
        Self {
            status,
            code,
            words,
            is_json: json.is_object(),
            retry_after: json["retry_after"].as_f64().and_then(seconds),
            is_global: json["global"] == true,
        }
    }

    /// Whether Discord itself, and not what stands before it, says that it does not accept the token.
    pub(crate) fn is_about_token(&self) -> bool {
        (self.status == 401 && self.is_discords()) || matches!(self.code, Some(40001 | 50014))
    }

    /// Whether Discord wrote it: it always says in words what is wrong.
    pub(crate) fn is_discords(&self) -> bool {
        self.is_json && !self.words.is_empty()
    }

    /// Whether it says that there is no such channel or guild, or none that the bot sees.
    pub(crate) fn is_absence(&self) -> bool {
        matches!(self.code, Some(10003 | 10004 | 10007 | 50001))
    }
}

impl From<Refusal> for ChatError {
    fn from(refusal: Refusal) -> Self {
        if refusal.is_about_token() {
            return Self::Unauthorized;
        }
        if let Some(reason) = refusal.code.and_then(unusable) {
            return Self::ChannelUnusable { reason: reason.to_owned() };
        }
        let is_form = matches!(refusal.status, 400 | 405 | 411 | 413 | 415);
        match refusal.code {
            Some(10008 | 50005) => Self::MessageGone,
            Some(ARCHIVED_THREAD | 130_000 | 30046 | 20016 | 20028 | 20029 | 40004 | 40006 | 40062) => refusal.later(),
            Some(50035 | 50006 | 40005 | 50109 | 200_000 | 240_000) => refusal.rejected(),
            _ if refusal.is_json && is_form => refusal.rejected(),
            _ => refusal.later(),
        }
    }
}

impl Refusal {
    fn later(self) -> ChatError {
        let reason = match (self.code, self.is_json) {
            (Some(code), _) => format!("{} (HTTP {}, code {code})", self.words, self.status),
            (None, true) => format!("{} (HTTP {})", self.words, self.status),
            (None, false) => format!("HTTP {} from something that does not speak as Discord does", self.status),
        };
        let after = match self.status {
            429 => Some(self.retry_after.unwrap_or(UNSAID_RETRY_AFTER)),
            _ => self.retry_after,
        };
        retry(reason, after)
    }

    fn rejected(self) -> ChatError {
        let code = self.code.map(|code| format!(", code {code}")).unwrap_or_default();
        ChatError::Rejected { reason: format!("{} (HTTP {}{code})", self.words, self.status) }
    }
}

/// Why a channel cannot be used and what to do about it, for the codes that say so.
fn unusable(code: u64) -> Option<&'static str> {
    Some(match code {
        10003 => "the channel was deleted; choose another one",
        10004 => "the bot is not in the server any more; invite it again",
        50001 => "the bot cannot see the channel; give its role \"View Channel\" there, or invite it again",
        50013 => {
            "the bot may not write in the channel; give its role \"Send Messages\" (in threads: \"Send Messages in \
             Threads\") and \"Embed Links\" there"
        }
        50007 => "the channel is a direct message that the bot may not write in; choose a channel of a server",
        50008 => "the channel takes no messages; choose a text channel, an announcement channel or a thread",
        40058 => "a forum takes no messages of its own; choose one of its threads",
        160_005 => "the thread is locked; unlock it or choose another channel",
        160_006 => "the channel has too many active threads; archive some",
        _ => return None,
    })
}

/// Where a form is wrong, and which rule it breaks: `embeds.0.title: BASE_TYPE_MAX_LENGTH`. Discord's
/// messages may repeat what we sent and are left out.
fn describe(errors: &Value, path: &str, out: &mut String, depth: usize) {
    let Value::Object(map) = errors else { return };
    for (key, value) in map {
        if out.len() >= MAX_DETAILS || depth >= MAX_DEPTH {
            return;
        }
        if key == "_errors" {
            let codes = value.as_array().into_iter().flatten().filter_map(|error| error["code"].as_str());
            for code in codes.filter(|code| is_word(code)).take(3) {
                let separator = if out.is_empty() { "" } else { ", " };
                out.push_str(&format!("{separator}{path}: {code}"));
            }
        } else if is_word(key) {
            let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            describe(value, &inner, out, depth + 1);
        }
    }
}

fn is_word(text: &str) -> bool {
    text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A number of seconds as Discord writes it, where it is one.
pub(crate) fn seconds(value: f64) -> Option<Duration> {
    let waited = Duration::try_from_secs_f64(value).ok()?;
    // Never a moment too early because of the rounding.
    Some((waited + Duration::from_millis(1)).min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn class(status: u16, body: &[u8]) -> &'static str {
        match ChatError::from(Refusal::read(status, body)) {
            ChatError::Retry { .. } => "retry",
            ChatError::ChannelUnusable { .. } => "unusable",
            ChatError::MessageGone => "gone",
            ChatError::Rejected { .. } => "rejected",
            ChatError::Unauthorized => "unauthorized",
        }
    }

    #[test]
    fn every_code_has_its_class() {
        let cases: &[(u16, &[u64], &str)] = &[
            (404, &[10003, 10004], "unusable"),
            (403, &[50001, 50013, 50007, 160_005], "unusable"),
            (400, &[50008, 40058, 160_006], "unusable"),
            (404, &[10008], "gone"),
            (403, &[50005], "gone"),
            (400, &[50035, 50006, 50109, 200_000, 240_000, 50024], "rejected"),
            (413, &[40005], "rejected"),
            (429, &[30046, 20016, 20028, 20029, 40062], "retry"),
            (400, &[ARCHIVED_THREAD, 40004, 40006], "retry"),
            (503, &[130_000], "retry"),
            (403, &[40001, 50014], "unauthorized"),
            (403, &[99999], "retry"),
            (404, &[10013], "retry"),
        ];
        for (status, codes, expected) in cases {
            for code in *codes {
                let body = json!({"message": "no", "code": code}).to_string();
                assert_eq!(class(*status, body.as_bytes()), *expected, "{status} {code}");
            }
        }
    }

    #[test]
    fn an_answer_without_a_code_is_judged_by_its_status() {
        let html = b"<html><body>Forbidden</body></html>";
        for (status, body, expected) in [
            (401, &b"{\"message\":\"401: Unauthorized\",\"code\":0}"[..], "unauthorized"),
            (401, b"{}", "retry"),
            (401, html, "retry"),
            (401, b"", "retry"),
            (403, html, "retry"),
            (403, b"{\"message\":\"403: Forbidden\",\"code\":0}", "retry"),
            (404, html, "retry"),
            (400, html, "retry"),
            (400, b"{\"message\":\"400: Bad Request\",\"code\":0}", "rejected"),
            (429, html, "retry"),
            (500, html, "retry"),
            (502, b"", "retry"),
            (302, b"", "retry"),
        ] {
            assert_eq!(class(status, body), expected, "{status} {body:?}");
        }
    }

    #[test]
    fn a_rejection_names_the_place_and_the_rule_but_not_our_words() {
        let body = json!({"message": "Invalid Form Body", "code": 50035, "errors": {"embeds": {"0": {"title":
            {"_errors": [{"code": "BASE_TYPE_MAX_LENGTH", "message": "secret title is too long"}]}}}}});
        let error = ChatError::from(Refusal::read(400, body.to_string().as_bytes()));
        let reason = "Invalid Form Body (embeds.0.title: BASE_TYPE_MAX_LENGTH) (HTTP 400, code 50035)";
        assert_eq!(error, ChatError::Rejected { reason: reason.to_owned() });
    }

    #[test]
    fn a_wait_is_read_and_bounded() {
        assert_eq!(seconds(1.5), Some(Duration::from_millis(1501)));
        assert_eq!(seconds(1e12), Some(MAX_RETRY_AFTER));
        for nonsense in [-1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(seconds(nonsense), None);
        }
        let body = json!({"message": "slow", "retry_after": 2.0, "global": true}).to_string();
        let refusal = Refusal::read(429, body.as_bytes());
        assert!(refusal.is_global);
        let ChatError::Retry { after, .. } = refusal.into() else { panic!("a retry") };
        assert_eq!(after, Some(Duration::from_millis(2001)));
    }
}
