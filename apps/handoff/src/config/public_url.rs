//! `public_url`: the address under which Azure DevOps reaches us.

use super::mistakes::Mistakes;
use url::{Host, Url};

const KEY: &str = "public_url";

/// Adds what is wrong with it. It must be https, unless nobody but this machine can reach it. There may be
/// none: a laptop, a closed network.
pub(super) fn validate(public_url: Option<&str>, mistakes: &mut Mistakes) {
    let Some(text) = public_url else { return };
    let Ok(url) = Url::parse(text) else {
        mistakes.add(KEY, "must be an address such as https://handoff.contoso.com");
        return;
    };
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    mistakes.check(is_safe, KEY, "must begin with https:// (http:// is for 127.0.0.1 and localhost only)");
    mistakes.check(!text.ends_with('/'), KEY, "must not end with a slash");
    let is_plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    mistakes.check(is_plain && url.password().is_none(), KEY, "must have no user name, query or fragment");
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}
