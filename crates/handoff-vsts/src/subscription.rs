//! Subscriptions to service hooks: how ours are asked for, and how they read back.

use crate::inbound::{HOOK_USER, guid};
use crate::wire;
use handoff_domain::hook::HookStatus;
use handoff_domain::port::tracker::{NewSubscription, RemoteSubscription, TrackerError};
use handoff_domain::text::tamed;
use serde_json::{Value, json};
use url::Url;

/// The version of payloads that we pin: the one the documentation advises.
const RESOURCE_VERSION: &str = "1.0";

/// A subscription as the domain sees it; `None` without an id.
pub(crate) fn remote_subscription(one: &wire::Subscription) -> Option<RemoteSubscription> {
    let is_web_hook = one.consumer_id.text().is_none_or(|consumer| consumer.eq_ignore_ascii_case("webHooks"));
    let url = one.consumer_inputs.object().and_then(|inputs| inputs.url.text()).filter(|_| is_web_hook);
    Some(RemoteSubscription {
        id: one.id.text().and_then(guid)?,
        status: status_of(one.status.text()),
        url: url.map(ToOwned::to_owned),
    })
}

/// A word that we do not know counts as disabled by the system: we cannot say that the hook delivers,
/// and that is the state which is looked after without anybody's help.
fn status_of(word: Option<&str>) -> HookStatus {
    let Some(word) = word else { return HookStatus::Enabled };
    match word.to_ascii_lowercase().as_str() {
        "enabled" => HookStatus::Enabled,
        "onprobation" => HookStatus::OnProbation,
        "disabledbyuser" => HookStatus::DisabledByUser,
        "disabledbysystem" => HookStatus::DisabledBySystem,
        "disabledbyinactiveidentity" => HookStatus::DisabledByInactiveIdentity,
        _ => {
            tracing::warn!(status = %tamed(word, 64), "a subscription has a status that is not known");
            HookStatus::DisabledBySystem
        }
    }
}

/// What asks for a subscription. No field is filtered: only one could be named, and links change none.
pub(crate) fn subscription_body(new: &NewSubscription) -> Value {
    json!({
        "publisherId": "tfs",
        "eventType": new.event_type.as_str(),
        "resourceVersion": RESOURCE_VERSION,
        "consumerId": "webHooks",
        "consumerActionId": "httpRequest",
        "publisherInputs": {"projectId": new.azure_project.as_str(), "areaPath": "", "workItemType": ""},
        "consumerInputs": {
            "url": new.url,
            "basicAuthUsername": HOOK_USER,
            "basicAuthPassword": new.secret.expose(),
            "resourceDetailsToSend": "all",
            "messagesToSend": "none",
            "detailedMessagesToSend": "none",
            "acceptUntrustedCerts": "false",
        },
    })
}

/// The path of a subscription. Ids are GUIDs; anything else would be another path.
///
/// # Errors
/// [`TrackerError::Rejected`] when it is no such id.
pub(crate) fn subscription_path(id: &str) -> Result<String, TrackerError> {
    let id =
        guid(id).ok_or_else(|| TrackerError::Rejected { reason: "this is not the id of a subscription".to_owned() })?;
    Ok(format!("_apis/hooks/subscriptions/{id}"))
}

/// Whether both name one address, written alike or not.
pub(crate) fn same_url(a: &str, b: &str) -> bool {
    a == b || matches!((Url::parse(a), Url::parse(b)), (Ok(a), Ok(b)) if a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_word_is_mapped_and_an_unknown_one_is_not_taken_for_enabled() {
        for (word, status) in [
            (None, HookStatus::Enabled),
            (Some("enabled"), HookStatus::Enabled),
            (Some("onProbation"), HookStatus::OnProbation),
            (Some("disabledByUser"), HookStatus::DisabledByUser),
            (Some("disabledBySystem"), HookStatus::DisabledBySystem),
            (Some("DisabledByInactiveIdentity"), HookStatus::DisabledByInactiveIdentity),
            (Some("sleeping"), HookStatus::DisabledBySystem),
        ] {
            assert_eq!(status_of(word), status, "{word:?}");
        }
    }

    #[test]
    fn an_id_that_is_no_guid_is_never_put_into_a_path() {
        for bad in ["", ".", "..", "../projects", "7", "a/b"] {
            assert!(subscription_path(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn one_address_may_be_written_in_two_ways() {
        assert!(same_url("https://H.example/webhooks/a", "https://h.example:443/webhooks/a"));
        assert!(!same_url("https://h.example/webhooks/a", "https://h.example/webhooks/b"));
        assert!(!same_url("x", "y"));
    }
}
