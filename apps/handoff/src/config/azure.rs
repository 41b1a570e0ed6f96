//! `[azure]`: which Azure DevOps may be called, and how.

use super::mistakes::Mistakes;
use super::settings::Settings;
use handoff_domain::outbox::Lane;
use handoff_domain::service::watch::Periods;
use handoff_vsts::{AddressPolicy, AzureSettings};
use handoff_worker::longest_call;
use std::time::Duration;

/// The longest that an answer may be waited for.
fn max_wait() -> Duration {
    longest_call(Lane::Tracker)
}

/// The shortest and the longest time between two looks at the same hooks or work items.
const SHORTEST_PERIOD: Duration = Duration::from_secs(60);
const LONGEST_PERIOD: Duration = Duration::from_secs(86_400);

/// `[azure]`.
#[derive(Debug, Clone)]
pub struct AzureConfig {
    /// As the adapter takes it.
    pub settings: AzureSettings,
    /// How often hooks are looked at, and the work items of each project read.
    pub periods: Periods,
}

impl AzureConfig {
    pub(super) fn read(settings: &mut Settings) -> Self {
        let default = AzureSettings::default();
        let addresses = AddressPolicy {
            allowed_hosts: settings.take("azure.allowed_hosts", default.addresses.allowed_hosts),
            allow_private_addresses: settings.take("azure.allow_private_addresses", false),
            allow_http: settings.take("azure.allow_http", false),
        };
        let connect_timeout = settings.take("azure.connect_timeout_seconds", default.connect_timeout);
        let call_timeout = settings.take("azure.call_timeout_seconds", default.call_timeout);
        let api_version = settings.take("azure.api_version", default.api_version);
        let sign_in_url = settings.take("azure.sign_in_url", default.sign_in_url);
        let often = Periods::default();
        let (least, most) = (SHORTEST_PERIOD.as_secs(), LONGEST_PERIOD.as_secs());
        let hooks = settings.take_number("azure.hook_check_seconds", often.hooks.as_secs(), least, most);
        let reconcile = settings.take_number("azure.reconcile_seconds", often.reconcile.as_secs(), least, most);
        let periods = Periods { hooks: Duration::from_secs(hooks), reconcile: Duration::from_secs(reconcile) };
        Self { settings: AzureSettings { addresses, connect_timeout, call_timeout, api_version, sign_in_url }, periods }
    }

    /// Adds what is wrong with it.
    pub fn validate(&self, mistakes: &mut Mistakes) {
        let AzureSettings { addresses, connect_timeout, call_timeout, api_version, sign_in_url } = &self.settings;
        for (key, wait) in
            [("azure.connect_timeout_seconds", connect_timeout), ("azure.call_timeout_seconds", call_timeout)]
        {
            let problem =
                format!("must be between 1 and {}, so that a task ends before its lease", max_wait().as_secs());
            mistakes.check(!wait.is_zero() && *wait <= max_wait(), key, &problem);
        }
        for host in &addresses.allowed_hosts {
            let plain = !host.trim().is_empty() && !host.contains(['/', '@']) && !host.contains(char::is_whitespace);
            mistakes.check(plain, "azure.allowed_hosts", "must hold hosts without scheme and path, as tfs.contoso.com");
        }
        let is_version =
            api_version.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
        mistakes.check(is_version, "azure.api_version", "must be a version such as 7.1");
        if let Err(error) = addresses.check_sign_in(sign_in_url) {
            mistakes.add("azure.sign_in_url", error.to_string());
        }
    }
}
