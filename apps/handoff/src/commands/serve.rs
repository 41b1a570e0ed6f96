//! `serve`: an instance until a signal.

use crate::config::Config;
use crate::failure::Failure;
use crate::instance::Instance;
use crate::output::Output;
use crate::parts::Parts;
use crate::signals::Signals;
use serde_json::json;

/// Serves until SIGTERM or SIGINT, then finishes what is under way; a second signal ends at once.
pub(super) async fn serve(config: Config, output: Output, parts: Parts) -> Result<(), Failure> {
    // Before anything else, so that a signal during the start is not lost.
    let mut signals = Signals::listen()?;
    let mut instance = tokio::select! {
        instance = Instance::start_with(&config, parts) => instance?,
        () = signals.next() => return Ok(()),
    };
    let listening = instance.running.addr();
    let outside = config.public_url.as_ref().map(|url| format!(", reached from outside at {url}")).unwrap_or_default();
    let words = format!("Handoff is ready on http://{listening}{outside}.");
    output.say(&words, &json!({"ready": true, "listen": listening, "public_url": instance.public_url}))?;
    if instance.public_url.is_none() {
        let hint = "There is no public_url: Azure DevOps is given no hooks, and linked work items are read every \
                    minute instead.";
        output.tell(hint)?;
    }
    if instance.is_empty {
        let hint =
            "Nothing is here yet. Make a token with `handoff token create --name me` and begin with docs/API.md.";
        output.tell(hint)?;
    }
    tokio::select! {
        () = signals.next() => {}
        () = instance.running.listener_ended() => return Err(anyhow::anyhow!("the listener ended by itself").into()),
    }
    tracing::info!("stopping: what is under way is finished");
    tokio::select! {
        stopped = instance.stop() => stopped,
        () = signals.next() => Err(anyhow::anyhow!("stopped at once by a second signal").into()),
    }
}
