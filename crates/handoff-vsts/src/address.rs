//! Outgoing addresses: which may be called. Checked before every call, and again when a name is resolved,
//! so that neither a typed address nor a changed DNS entry leads into our own network.

use handoff_domain::port::tracker::TrackerError;
use percent_encoding::percent_decode_str;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use url::{Host, Url};

/// The cloud.
const CLOUD_HOST: &str = "dev.azure.com";
/// The cloud's older addresses, with the organization in front.
const OLD_CLOUD_SUFFIX: &str = ".visualstudio.com";
/// The only path that the cloud's older addresses may have.
const OLD_CLOUD_COLLECTION: &str = "DefaultCollection";
/// Longest address of a collection, in bytes.
const MAX_ADDRESS: usize = 400;
/// Most path segments on a Server: the virtual folder and the collection.
const MAX_SERVER_SEGMENTS: usize = 2;

/// Which addresses may be called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressPolicy {
    /// Hosts of Azure DevOps Servers, as `host` (any port) or `host:port`, beside the cloud's
    /// (`dev.azure.com`, `*.visualstudio.com`). Setting `azure.allowed_hosts`.
    pub allowed_hosts: Vec<String>,
    /// Whether private and loopback addresses may be called. Link-local, multicast and metadata
    /// addresses never may. Setting `azure.allow_private_addresses`.
    pub allow_private_addresses: bool,
    /// Whether `http` is allowed beside `https`. Setting `azure.allow_http`.
    pub allow_http: bool,
}

/// A collection's address that may be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CollectionAddress {
    /// Normalised, with a trailing slash.
    pub(crate) url: String,
    /// For people.
    pub(crate) host: String,
    /// The organization or collection.
    pub(crate) name: String,
}

impl AddressPolicy {
    /// Checks and normalises a collection's address.
    ///
    /// # Errors
    /// [`TrackerError::UnsafeAddress`] with the rule, and the setting that allows it if one does.
    pub(crate) fn check(&self, text: &str) -> Result<CollectionAddress, TrackerError> {
        let url = Self::parse(text)?;
        self.check_scheme(&url)?;
        let host = url.host().ok_or_else(|| refused("it names no host"))?;
        let kind = self.kind(&url, &host)?;
        let ip = match host {
            Host::Ipv4(ip) => Some(IpAddr::V4(ip)),
            Host::Ipv6(ip) => Some(IpAddr::V6(ip)),
            Host::Domain(_) => None,
        };
        if let Some(ip) = ip {
            permit(ip, self.allow_private_addresses).map_err(|rule| refused(rule.words()))?;
        }
        let segments = segments(&url)?;
        let name = kind.collection(&segments)?;
        let slash = if url.path().ends_with('/') { "" } else { "/" };
        Ok(CollectionAddress { url: format!("{url}{slash}"), host: host.to_string(), name })
    }

    /// Checks the address at which service principals sign in. It is the operator's own setting, so its host is
    /// not listed anywhere; the rules of schemes and private addresses hold.
    ///
    /// # Errors
    /// [`TrackerError::UnsafeAddress`] with the rule.
    pub fn check_sign_in(&self, text: &str) -> Result<String, TrackerError> {
        let url = Self::parse(text)?;
        self.check_scheme(&url)?;
        let ip = match url.host().ok_or_else(|| refused("it names no host"))? {
            Host::Ipv4(ip) => Some(IpAddr::V4(ip)),
            Host::Ipv6(ip) => Some(IpAddr::V6(ip)),
            Host::Domain(_) => None,
        };
        if let Some(ip) = ip {
            permit(ip, self.allow_private_addresses).map_err(|rule| refused(rule.words()))?;
        }
        if url.path() != "/" {
            return Err(refused("azure.sign_in_url must have no path, as in https://login.microsoftonline.com"));
        }
        Ok(String::from(url).trim_end_matches('/').to_owned())
    }

    fn parse(text: &str) -> Result<Url, TrackerError> {
        const SCHEME: &str =
            "write it with its scheme and the organization or collection, such as https://dev.azure.com/contoso/";
        if text.len() > MAX_ADDRESS {
            return Err(refused("it is too long"));
        }
        let url = Url::parse(text.trim()).map_err(|_| refused(SCHEME))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused(SCHEME));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused("it must hold no user name and no password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refused("it must have no query and no fragment"));
        }
        Ok(url)
    }

    fn check_scheme(&self, url: &Url) -> Result<(), TrackerError> {
        if url.scheme() == "https" || self.allow_http {
            Ok(())
        } else {
            Err(refused("it must be https (azure.allow_http allows http)"))
        }
    }

    fn kind<'a>(&self, url: &Url, host: &Host<&'a str>) -> Result<Kind<'a>, TrackerError> {
        if let (Host::Domain(domain), None) = (host, url.port()) {
            if *domain == CLOUD_HOST {
                return Ok(Kind::Cloud);
            }
            let organization = domain.strip_suffix(OLD_CLOUD_SUFFIX);
            if let Some(organization) = organization.filter(|name| !name.is_empty() && !name.contains('.')) {
                return Ok(Kind::OldCloud(organization));
            }
        }
        let host = host.to_string();
        let with_port = url.port_or_known_default().map(|port| format!("{host}:{port}"));
        let listed = self.allowed_hosts.iter().map(|listed| listed.trim()).any(|listed| {
            listed.eq_ignore_ascii_case(&host)
                || with_port.as_deref().is_some_and(|host| listed.eq_ignore_ascii_case(host))
        });
        if listed {
            Ok(Kind::Server)
        } else {
            Err(refused("its host is neither the cloud's nor listed in azure.allowed_hosts"))
        }
    }
}

/// Whose address it is, which decides where the collection's name is.
enum Kind<'a> {
    Cloud,
    OldCloud(&'a str),
    Server,
}

impl Kind<'_> {
    fn collection(&self, segments: &[String]) -> Result<String, TrackerError> {
        match (self, segments) {
            (Self::Cloud, [organization]) => Ok(organization.clone()),
            (Self::Cloud, _) => {
                Err(refused("its path must be the organization and nothing else, as in https://dev.azure.com/contoso/"))
            }
            (Self::OldCloud(organization), []) => Ok((*organization).to_owned()),
            (Self::OldCloud(organization), [one]) if one.eq_ignore_ascii_case(OLD_CLOUD_COLLECTION) => {
                Ok((*organization).to_owned())
            }
            (Self::OldCloud(_), _) => Err(refused("its path must be empty, as in https://contoso.visualstudio.com/")),
            (Self::Server, [.., collection]) if segments.len() <= MAX_SERVER_SEGMENTS => Ok(collection.clone()),
            (Self::Server, _) => {
                Err(refused("its path must be that of the collection, as in https://tfs.contoso.com/tfs/Default/"))
            }
        }
    }
}

/// The path's segments, decoded. Those that begin with `_` are of pages below a collection.
fn segments(url: &Url) -> Result<Vec<String>, TrackerError> {
    let path = url.path().trim_start_matches('/');
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Ok(Vec::new());
    }
    path.split('/')
        .map(|segment| {
            let segment = percent_decode_str(segment).decode_utf8().map_err(|_| refused("its path is not text"))?;
            let odd =
                segment.trim().is_empty() || segment.contains(|c: char| matches!(c, '/' | '\\') || c.is_control());
            if odd || segment.starts_with('_') {
                return Err(refused("its path must be that of the organization or collection, not of a page below it"));
            }
            Ok(segment.into_owned())
        })
        .collect()
}

fn refused(reason: impl Into<String>) -> TrackerError {
    TrackerError::UnsafeAddress { reason: reason.into() }
}

/// Why an IP address may not be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RefusedIp {
    #[error("a private address")]
    Private,
    #[error("an address that is never called")]
    Never,
}

impl RefusedIp {
    /// For people: the rule, and the setting that allows it if one does.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Private => "it leads to a private address (azure.allow_private_addresses allows them)",
            Self::Never => "it leads to a link-local, metadata, multicast or unspecified address",
        }
    }
}

/// Whether an address may be called.
///
/// # Errors
/// The rule that forbids it.
pub(crate) fn permit(ip: IpAddr, allow_private: bool) -> Result<(), RefusedIp> {
    let rule = match ip {
        IpAddr::V4(ip) => rule_of_v4(ip),
        IpAddr::V6(ip) => rule_of_v6(ip),
    };
    match rule {
        Some(RefusedIp::Private) if allow_private => Ok(()),
        Some(rule) => Err(rule),
        None => Ok(()),
    }
}

/// Source: the IANA registry of special-purpose IPv4 addresses; and the metadata addresses of Azure
/// (168.63.129.16), Alibaba (100.100.100.200) and, inside 169.254.0.0/16 and 192.0.0.0/24, the others.
fn rule_of_v4(ip: Ipv4Addr) -> Option<RefusedIp> {
    let never = match ip.octets() {
        [0, ..] | [169, 254, ..] | [192, 0, 0, _] | [224..=255, ..] => true,
        octets => matches!(octets, [168, 63, 129, 16] | [100, 100, 100, 200]),
    };
    if never {
        return Some(RefusedIp::Never);
    }
    let shared = matches!(ip.octets(), [100, 64..=127, ..] | [198, 18..=19, ..]);
    let private = ip.is_private() || ip.is_loopback() || ip.is_documentation() || shared;
    private.then_some(RefusedIp::Private)
}

/// Source: the IANA registry of special-purpose IPv6 addresses. Addresses that carry an IPv4 address
/// (mapped, compatible, NAT64, 6to4) are judged by it.
fn rule_of_v6(ip: Ipv6Addr) -> Option<RefusedIp> {
    let segments = ip.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        rule_of_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some(RefusedIp::Never),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some(RefusedIp::Private),
        [0, 0, 0, 0, 0, 0 | 0xFFFF, high, low] | [0x64, 0xFF9B, 0, 0, 0, 0, high, low] => v4(high, low),
        [0x2002, high, low, ..] => v4(high, low),
        [0xFD00, 0x0EC2, 0, 0, 0, 0, 0, 0x0254] | [0x0100, 0, 0, 0, ..] => Some(RefusedIp::Never),
        [0x64, 0xFF9B, ..] | [0x2001, 0 | 0x0DB8, ..] => Some(RefusedIp::Private),
        [first, ..] => match first {
            0xFF00..=0xFFFF | 0xFE80..=0xFEBF => Some(RefusedIp::Never),
            0xFC00..=0xFDFF | 0xFEC0..=0xFEFF => Some(RefusedIp::Private),
            _ => None,
        },
    }
}

/// Resolves names to permitted addresses only. The connection is made to what was checked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GuardedResolver {
    pub(crate) allow_private: bool,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let refusal = found.iter().find_map(|found| permit(found.ip(), allow_private).err());
            let kept: Vec<SocketAddr> =
                found.into_iter().filter(|found| permit(found.ip(), allow_private).is_ok()).collect();
            match refusal {
                Some(refusal) if kept.is_empty() => Err(refusal.into()),
                _ => Ok(Box::new(kept.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(hosts: &[&str]) -> AddressPolicy {
        AddressPolicy {
            allowed_hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            ..AddressPolicy::default()
        }
    }

    #[test]
    fn where_principals_sign_in_is_https_and_public_unless_the_operator_allows_more() {
        let strict = AddressPolicy::default();
        assert_eq!(
            strict.check_sign_in("https://login.microsoftonline.us/").unwrap(),
            "https://login.microsoftonline.us"
        );
        for bad in
            ["http://login.microsoftonline.com", "https://169.254.169.254", "https://10.0.0.1", "https://a/b", "x"]
        {
            assert!(strict.check_sign_in(bad).is_err(), "{bad}");
        }
        let local = AddressPolicy { allow_http: true, allow_private_addresses: true, ..strict };
        assert!(local.check_sign_in("http://127.0.0.1:8080").is_ok());
        assert!(local.check_sign_in("http://169.254.169.254").is_err());
    }

    #[test]
    fn good_addresses_are_normalised_and_named() {
        let policy = policy(&["tfs.contoso.com", "Other.contoso.com:8443", "8.8.8.8", "[2606:4700::1]"]);
        for (text, url, name) in [
            ("https://dev.azure.com/contoso", "https://dev.azure.com/contoso/", "contoso"),
            (" HTTPS://Dev.Azure.com:443/contoso/ ", "https://dev.azure.com/contoso/", "contoso"),
            ("https://contoso.visualstudio.com", "https://contoso.visualstudio.com/", "contoso"),
            (
                "https://contoso.visualstudio.com/DefaultCollection",
                "https://contoso.visualstudio.com/DefaultCollection/",
                "contoso",
            ),
            ("https://tfs.contoso.com/tfs/Default", "https://tfs.contoso.com/tfs/Default/", "Default"),
            ("https://TFS.contoso.com:8080/My%20Own/", "https://tfs.contoso.com:8080/My%20Own/", "My Own"),
            ("https://other.contoso.com:8443/Default/", "https://other.contoso.com:8443/Default/", "Default"),
            ("https://8.8.8.8/Default/", "https://8.8.8.8/Default/", "Default"),
            ("https://[2606:4700::1]/Default/", "https://[2606:4700::1]/Default/", "Default"),
        ] {
            let checked = policy.check(text).unwrap();
            assert_eq!((checked.url.as_str(), checked.name.as_str()), (url, name), "{text}");
            assert_eq!(policy.check(&checked.url).unwrap().url, url, "checking twice changes nothing");
        }
    }

    #[test]
    fn a_bad_address_is_refused_with_the_rule_and_the_setting() {
        let policy = policy(&[
            "tfs.contoso.com",
            "other.contoso.com:8443",
            "10.0.0.1",
            "127.0.0.1",
            "[::1]",
            "[::ffff:7f00:1]",
            "169.254.169.254",
        ]);
        for (text, words) in [
            ("", "scheme"),
            ("dev.azure.com/contoso", "scheme"),
            ("localhost:8080/contoso", "scheme"),
            ("ftp://dev.azure.com/contoso", "scheme"),
            ("http://dev.azure.com/contoso", "azure.allow_http"),
            ("https://evil.example/contoso", "azure.allowed_hosts"),
            ("https://dev.azure.com.evil.example/contoso", "azure.allowed_hosts"),
            ("https://dev.azure.com./contoso", "azure.allowed_hosts"),
            ("https://dev.azure.com:8443/contoso", "azure.allowed_hosts"),
            ("https://a.b.visualstudio.com/", "azure.allowed_hosts"),
            ("https://.visualstudio.com/", "azure.allowed_hosts"),
            ("https://other.contoso.com:9443/Default", "azure.allowed_hosts"),
            ("https://user@dev.azure.com/contoso", "user name"),
            ("https://:x@dev.azure.com/contoso", "user name"),
            ("https://dev.azure.com/contoso?x=1", "query"),
            ("https://dev.azure.com/contoso#x", "query"),
            ("https://dev.azure.com/", "organization"),
            ("https://dev.azure.com/contoso/Payments", "organization"),
            ("https://dev.azure.com/contoso//", "organization"),
            ("https://dev.azure.com/contoso%2fPayments", "page below"),
            ("https://dev.azure.com/%ff", "text"),
            ("https://contoso.visualstudio.com/Payments", "must be empty"),
            ("https://tfs.contoso.com/", "collection"),
            ("https://tfs.contoso.com/tfs/Default/Payments", "collection"),
            ("https://tfs.contoso.com/Default/_git", "page below"),
            ("https://10.0.0.1/Default", "azure.allow_private_addresses"),
            ("https://127.0.0.1/Default", "azure.allow_private_addresses"),
            ("https://0x7f.1/Default", "azure.allow_private_addresses"),
            ("https://[::1]/Default", "azure.allow_private_addresses"),
            ("https://[::ffff:127.0.0.1]/Default", "azure.allow_private_addresses"),
            ("https://169.254.169.254/latest", "link-local"),
            (&format!("https://dev.azure.com/{}", "a".repeat(MAX_ADDRESS)), "long"),
        ] {
            match policy.check(text) {
                Err(TrackerError::UnsafeAddress { reason }) => assert!(reason.contains(words), "{text}: {reason}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn addresses_that_are_not_of_the_internet_are_told_apart() {
        use RefusedIp::{Never, Private};
        for (ip, rule) in [
            ("8.8.8.8", None),
            ("13.107.42.18", None),
            ("10.1.2.3", Some(Private)),
            ("172.16.0.1", Some(Private)),
            ("192.168.1.1", Some(Private)),
            ("127.1.2.3", Some(Private)),
            ("100.64.0.1", Some(Private)),
            ("198.18.0.1", Some(Private)),
            ("0.0.0.0", Some(Never)),
            ("169.254.169.254", Some(Never)),
            ("168.63.129.16", Some(Never)),
            ("100.100.100.200", Some(Never)),
            ("224.0.0.1", Some(Never)),
            ("255.255.255.255", Some(Never)),
            ("2606:4700::1", None),
            ("::", Some(Never)),
            ("::1", Some(Private)),
            ("::ffff:10.0.0.1", Some(Private)),
            ("::ffff:169.254.169.254", Some(Never)),
            ("::ffff:8.8.8.8", None),
            ("::127.0.0.1", Some(Private)),
            ("64:ff9b::10.0.0.1", Some(Private)),
            ("64:ff9b::8.8.8.8", None),
            ("64:ff9b:1::1", Some(Private)),
            ("2002:a00:1::", Some(Private)),
            ("2001:db8::1", Some(Private)),
            ("2001::1", Some(Private)),
            ("fc00::1", Some(Private)),
            ("fd00:ec2::254", Some(Never)),
            ("fe80::1", Some(Never)),
            ("ff02::1", Some(Never)),
        ] {
            let ip: IpAddr = ip.parse().unwrap();
            assert_eq!(permit(ip, false).err(), rule, "{ip}");
            assert_eq!(permit(ip, true).err(), rule.filter(|rule| *rule == Never), "{ip}");
        }
    }
}
