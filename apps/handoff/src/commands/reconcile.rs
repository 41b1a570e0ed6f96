//! `reconcile`: reads every linked work item in Azure DevOps, once, and says what was not as we had it.

use super::token::found;
use crate::command_line::ReconcileArgs;
use crate::config::Config;
use crate::database::{self, IfMissing};
use crate::database_lock::{Attempt, DatabaseLock};
use crate::environment::SystemClock;
use crate::failure::Failure;
use crate::instance::{choices, ports, secret_box};
use crate::output::Output;
use crate::wiring::wire;
use anyhow::anyhow;
use handoff_domain::integration::{ConnectedProject, Installation, Integration};
use handoff_domain::organization::Organization;
use handoff_domain::page;
use handoff_domain::port::Reader;
use handoff_domain::service::UseCaseError;
use handoff_domain::service::reconcile_report::{DifferentField, ReconcileReport};
use handoff_domain::service::refresh_work_item::RefreshWorkItem;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use std::io::{IsTerminal, stderr};
use std::path::Path;
use std::sync::Arc;

/// How the progress of a project looks.
const BAR: &str = "{msg} [{bar:40}] {pos}/{len} work items";

/// A connected project, and whose it is.
struct Target {
    organization: Organization,
    project: ConnectedProject,
}

impl Target {
    /// How people know it.
    fn name(&self) -> String {
        format!("{} / {}", self.organization.slug.as_str(), self.project.name.as_str())
    }
}

/// Reads what is asked for. A project that cannot be read holds up no other.
pub(super) async fn reconcile(config: &Config, args: &ReconcileArgs, output: Output) -> Result<(), Failure> {
    let attempt = DatabaseLock::attempt(&config.database)?;
    let database = database::open_current(config, IfMissing::Refuse).await?;
    let targets = targets(&database, args).await?;
    if let Attempt::Held(file) = &attempt {
        return Err(ask_the_service(file, &targets));
    }
    if targets.is_empty() {
        database.close().await?;
        return Ok(output.say("No project is connected.", &json!({"projects": 0}))?);
    }
    let secrets = secret_box(config, &database).await?;
    let ports = ports(config, &database, secrets, Arc::new(SystemClock))?;
    let refresh = wire(ports, &choices(config, config.public_url.clone())).workers.carry_out.refresh;
    let mut failed = 0;
    for target in &targets {
        let done = read(&refresh, target).await;
        failed += usize::from(done.is_err());
        say(target, &done, output)?;
    }
    drop(refresh);
    database.close().await?;
    if failed > 0 {
        return Err(anyhow!("{failed} of {} project(s) could not be read", targets.len()).into());
    }
    Ok(())
}

/// The connected projects that are meant.
async fn targets(reader: &dyn Reader, args: &ReconcileArgs) -> Result<Vec<Target>, Failure> {
    let only = match &args.organization {
        Some(named) => Some(found(reader, named).await?),
        None => None,
    };
    let is_meant = |project: &ConnectedProject| {
        args.project.as_deref().is_none_or(|named| {
            project.azure_project.as_str().eq_ignore_ascii_case(named)
                || project.name.as_str().eq_ignore_ascii_case(named)
        })
    };
    let mut targets = Vec::new();
    let organizations = page::all(|one: &Organization| one.id, |page| reader.organizations(page)).await?;
    for organization in organizations.into_iter().filter(|one| only.is_none_or(|only| only == one.id)) {
        let connected = connected(reader, &organization).await?.into_iter().filter(is_meant);
        targets.extend(connected.map(|project| Target { organization: organization.clone(), project }));
    }
    if targets.is_empty()
        && let Some(named) = &args.project
    {
        return Err(anyhow!("there is no connected project {named:?}").into());
    }
    Ok(targets)
}

/// All that an organization connected.
async fn connected(reader: &dyn Reader, organization: &Organization) -> Result<Vec<ConnectedProject>, Failure> {
    let mut all = Vec::new();
    let ask = |page| reader.installations(organization.id, page);
    for (installation, _) in page::all(|(one, _): &(Installation, Integration)| one.id, ask).await? {
        all.extend(reader.connected_projects(organization.id, installation.id).await?);
    }
    Ok(all)
}

/// Why it cannot be done here, and who can.
fn ask_the_service(file: &Path, targets: &[Target]) -> Failure {
    let mut problem = format!(
        "the service is running on {}, and one SQLite file is for one process. Ask the service instead, with a token:",
        file.display()
    );
    for Target { organization, project } in targets {
        problem.push_str(&format!(
            "\n  POST /api/v1/organizations/{}/installations/{}/projects/{}/reconcile",
            organization.slug.as_str(),
            project.installation,
            project.azure_project.as_str()
        ));
    }
    anyhow!(problem).into()
}

/// Reads one project, with a bar where somebody looks.
async fn read(refresh: &RefreshWorkItem, target: &Target) -> Result<ReconcileReport, UseCaseError> {
    let ConnectedProject { organization, installation, integration, azure_project, .. } = &target.project;
    let is_seen = stderr().is_terminal();
    let total = match is_seen {
        true => refresh.count_linked(*organization, *integration, azure_project).await?,
        false => 0,
    };
    let drawn = if is_seen { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(total as u64), drawn).with_message(target.name());
    if let Ok(style) = ProgressStyle::with_template(BAR) {
        bar.set_style(style);
    }
    bar.tick();
    let told = |report: &ReconcileReport| bar.set_position(report.looked_at as u64);
    let done = refresh.reconcile_project_telling(*organization, *installation, azure_project, &told).await;
    bar.finish_and_clear();
    done
}

fn say(target: &Target, done: &Result<ReconcileReport, UseCaseError>, output: Output) -> Result<(), Failure> {
    let (words, told) = match done {
        Ok(report) => (words(report), shown(report)),
        Err(error) => (format!("not read: {error}"), json!({"error": error.to_string()})),
    };
    let mut value = json!({
        "organization": target.organization.slug,
        "installation": target.project.installation,
        "azure_project": target.project.azure_project,
        "name": target.project.name,
    });
    if let (Value::Object(value), Value::Object(told)) = (&mut value, told) {
        value.extend(told);
    }
    Ok(output.say(&format!("{}: {words}", target.name()), &value)?)
}

const FIELDS: [DifferentField; 4] =
    [DifferentField::Assignee, DifferentField::State, DifferentField::Title, DifferentField::Deleted];

fn words(report: &ReconcileReport) -> String {
    let mut words = format!("{} of {} work items differed", report.differed.len(), report.looked_at);
    let counts: Vec<String> = FIELDS
        .into_iter()
        .map(|field| (field, report.count(field)))
        .filter(|(_, count)| *count > 0)
        .map(|(field, count)| format!("{} {count}", field.as_str()))
        .collect();
    if !counts.is_empty() {
        words.push_str(&format!(" ({})", counts.join(", ")));
    }
    for one in &report.differed {
        let fields: Vec<&str> = one.fields.iter().map(|field| field.as_str()).collect();
        words.push_str(&format!("\n  {}: {}", one.work_item, fields.join(", ")));
    }
    words
}

fn shown(report: &ReconcileReport) -> Value {
    let counts: serde_json::Map<String, Value> =
        FIELDS.into_iter().map(|field| (field.as_str().to_owned(), json!(report.count(field)))).collect();
    json!({"looked_at": report.looked_at, "differed": report.differed, "counts": counts})
}
