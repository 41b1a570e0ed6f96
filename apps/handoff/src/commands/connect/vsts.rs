//! `connect vsts`: checks an address and a credential of Azure DevOps, saves them, connects projects, and imports
//! their people. What is not given is asked for on a terminal. A secret is read from a file, from the
//! environment, or from the terminal without being shown; never from the command line, which others can see.

use super::ask::{Ask, Terminal};
use crate::config::Config;
use crate::database_lock::DatabaseLock;
use crate::environment::{SystemClock, SystemEntropy};
use crate::failure::Failure;
use crate::instance::Place;
use crate::output::Output;
use anyhow::{Context, anyhow};
use clap::Args;
use handoff_domain::credential::Credential;
use handoff_domain::id::{InstallationId, OrganizationId, ProjectId};
use handoff_domain::integration::{Installation, Integration};
use handoff_domain::page;
use handoff_domain::port::Reader;
use handoff_domain::port::tracker::RemoteProject;
use handoff_domain::service::UseCaseError;
use handoff_domain::service::check_credential::{CheckCredential, Checked};
use handoff_domain::service::import_people::{Becomes, ImportFrom};
use handoff_domain::service::installations::Change;
use handoff_domain::slug::Slug;
use handoff_domain::time::Timestamp;
use handoff_http::ApiState;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Examples for the help.
pub(super) const HELP: &str = "\
The credential is a personal access token or a service principal of Microsoft Entra:
  a token                from --token-file, or from the variable AZURE_DEVOPS_EXT_PAT
  a service principal    --tenant and --client-id (or AZURE_TENANT_ID, AZURE_CLIENT_ID), its secret from
                         --client-secret-file or from AZURE_CLIENT_SECRET
Whatever is not given is asked for on a terminal.

Examples:
  handoff connect vsts                        guided
  handoff connect vsts --organization contoso --base-url https://dev.azure.com/contoso \\
      --token-file token.txt --expires 2027-01-31 --project Payments --import-people --into backend --json

The service must not be running on the same SQLite file; while it runs, connect through its API (docs/API.md).";

/// The variable with a personal access token, as the Azure command line has it.
const TOKEN_VARIABLE: &str = "AZURE_DEVOPS_EXT_PAT";
/// The variable with a client secret, as the Azure libraries have it.
const SECRET_VARIABLE: &str = "AZURE_CLIENT_SECRET";

/// What to connect.
#[derive(Debug, Args)]
pub struct VstsArgs {
    /// Which organization of ours (slug or id).
    #[arg(long, value_name = "SLUG_OR_ID")]
    organization: Option<String>,
    /// The organization or collection in Azure DevOps: https://dev.azure.com/contoso.
    #[arg(long, value_name = "URL")]
    base_url: Option<String>,
    /// A file with a personal access token.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["client_secret_file"])]
    token_file: Option<PathBuf>,
    /// The directory of a service principal: its id, or one of its domains.
    #[arg(long, env = "AZURE_TENANT_ID")]
    tenant: Option<String>,
    /// The application's (client) id.
    #[arg(long, env = "AZURE_CLIENT_ID")]
    client_id: Option<String>,
    /// A file with the client secret.
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
    /// The day on which the credential ends (2027-01-31), or `unknown`.
    #[arg(long, value_name = "DAY")]
    expires: Option<String>,
    /// A project in Azure DevOps, by name or id; may be given several times.
    #[arg(long, value_name = "NAME_OR_ID")]
    project: Vec<String>,
    /// Every project that the credential sees.
    #[arg(long, conflicts_with = "project")]
    all_projects: bool,
    /// Make users, a team and mappings of the members of the projects' teams.
    #[arg(long)]
    import_people: bool,
    /// A project of ours (slug or id) that is given to the team of imported people.
    #[arg(long, value_name = "SLUG_OR_ID", requires = "import_people")]
    into: Option<String>,
}

/// What was done, for scripts.
#[derive(Default)]
struct Report {
    projects: Vec<Value>,
    people: Vec<Value>,
}

/// Where questions go: to a person, or, without one, back as a mistake.
struct Guide<'a> {
    person: Option<&'a mut dyn Ask>,
}

impl Guide<'_> {
    /// What was given, or what a person answers.
    fn given_or(&mut self, given: Option<&String>, flag: &str, question: &str) -> Result<String, Failure> {
        match (given, &mut self.person) {
            (Some(given), _) => Ok(given.clone()),
            (None, Some(person)) => Ok(person.line(question)?),
            (None, None) => Err(missing(flag)),
        }
    }
}

fn missing(flag: &str) -> Failure {
    Failure::misconfigured(anyhow!("{flag} must be given where nobody can be asked (there is no terminal)"))
}

/// Connects, on a database of this version.
pub(super) async fn connect(config: &Config, args: &VstsArgs, output: Output) -> Result<(), Failure> {
    if let Err(served) = DatabaseLock::take(&config.database) {
        let hint = "Or connect through its API, while it runs: POST /api/v1/organizations/…/installations, then \
                    …/installations/…/projects (docs/API.md, Integrations and installations).";
        return Err(anyhow!("{served}\n{hint}").into());
    }
    let mut terminal = if output.is_json() { None } else { Terminal::found() };
    let mut guide = Guide { person: terminal.as_mut().map(|terminal| terminal as &mut dyn Ask) };
    let place = Place::open(config).await?;
    let done = guided(place.api(), args, &mut guide, output).await;
    place.close().await?;
    done
}

async fn guided(api: &Arc<ApiState>, args: &VstsArgs, guide: &mut Guide<'_>, output: Output) -> Result<(), Failure> {
    let reader = api.reader.as_ref();
    let named = guide.given_or(args.organization.as_ref(), "--organization", "Our organization (slug or id)")?;
    let organization = organization(reader, &named).await?;
    let into = match &args.into {
        Some(named) => Some(project(reader, organization, named).await?),
        None => None,
    };
    let base_url = guide.given_or(args.base_url.as_ref(), "--base-url", "Address in Azure DevOps")?;
    let credential = credential(args, guide)?;
    let checked = checked(api, &base_url, &credential, output).await?;
    let expires = expiry(args, guide)?;
    let chosen = chosen(args, guide, &checked.projects, output)?;
    let (installation, integration) = saved(api, organization, &checked, &credential, expires).await?;
    output.tell(&format!("Saved. The installation's id is {}.", installation.id))?;
    let mut report = Report::default();
    for one in &chosen {
        let hooks = api.installations.connect(organization, installation.id, &one.id).await.map_err(refused)?;
        output.tell(&format!("{} is connected, with {} hooks.", one.name, hooks.len()))?;
        report.projects.push(json!({"id": one.id, "name": one.name, "hooks": hooks.len()}));
        import(api, organization, installation.id, one, into, args, guide, output, &mut report).await?;
    }
    let value = json!({
        "installation": installation.id,
        "integration": integration.id,
        "collection": integration.name,
        "credential_expires_at": installation.credential_expires_at,
        "projects": report.projects,
        "people": report.people,
    });
    Ok(output.say("Done. Azure DevOps delivers from now on: keep `handoff serve` running.", &value)?)
}

/// The organization of this slug or id.
async fn organization(reader: &dyn Reader, named: &str) -> Result<OrganizationId, Failure> {
    let found = match (named.parse().ok().map(OrganizationId::new), Slug::parse(named)) {
        (Some(id), _) => reader.organization(id).await?,
        (None, Ok(slug)) => reader.organization_by_slug(&slug).await?,
        (None, Err(_)) => None,
    };
    let found = found.ok_or_else(|| anyhow!("there is no organization {named:?}; make one through the API"))?;
    Ok(found.id)
}

/// The project of this slug or id.
async fn project(reader: &dyn Reader, organization: OrganizationId, named: &str) -> Result<ProjectId, Failure> {
    let found = match (named.parse().ok().map(ProjectId::new), Slug::parse(named)) {
        (Some(id), _) => reader.project(organization, id).await?,
        (None, Ok(slug)) => reader.project_by_slug(organization, &slug).await?,
        (None, Err(_)) => None,
    };
    let found = found.ok_or_else(|| anyhow!("the organization has no project {named:?}"))?;
    Ok(found.id)
}

#[expect(clippy::disallowed_methods, reason = "the binary reads the environment; these are no settings of ours")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn from_file(file: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()));
    Ok(text.map_err(Failure::misconfigured)?.trim().to_owned())
}

/// The secret from its file, its variable, or a person, in this order.
fn secret(
    file: Option<&PathBuf>,
    name: &str,
    flag: &str,
    question: &str,
    guide: &mut Guide<'_>,
) -> Result<String, Failure> {
    if let Some(file) = file {
        return from_file(file);
    }
    match (variable(name), &mut guide.person) {
        (Some(value), _) => Ok(value),
        (None, Some(person)) => Ok(person.secret(question)?),
        (None, None) => Err(missing(&format!("{flag} or the variable {name}"))),
    }
}

fn credential(args: &VstsArgs, guide: &mut Guide<'_>) -> Result<Credential, Failure> {
    let has_token = args.token_file.is_some() || variable(TOKEN_VARIABLE).is_some();
    let names_principal = args.client_secret_file.is_some() || args.tenant.is_some() || args.client_id.is_some();
    let mut is_principal = names_principal && !has_token;
    if let (false, false, Some(person)) = (has_token, names_principal, &mut guide.person) {
        is_principal = person.yes("Sign in with a service principal of Microsoft Entra, not with a token?")?;
    }
    let parsed = if is_principal {
        let tenant = guide.given_or(args.tenant.as_ref(), "--tenant", "Directory (tenant) id")?;
        let client_id = guide.given_or(args.client_id.as_ref(), "--client-id", "Application (client) id")?;
        let file = args.client_secret_file.as_ref();
        let value = secret(file, SECRET_VARIABLE, "--client-secret-file", "Client secret (not shown)", guide)?;
        Credential::service_principal(&tenant, &client_id, &value)
    } else {
        let file = args.token_file.as_ref();
        let question = "Personal access token (not shown)";
        Credential::token(&secret(file, TOKEN_VARIABLE, "--token-file", question, guide)?)
    };
    parsed.map_err(Failure::misconfigured)
}

/// Asks Azure DevOps, and tells of each right.
async fn checked(api: &ApiState, base_url: &str, credential: &Credential, output: Output) -> Result<Checked, Failure> {
    let check = CheckCredential {
        tracker: api.installations.tracker.clone(),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
    };
    // Where no address of ours is known no hooks are made, and any address does to ask whether they might be.
    let ours = api.installations.proof.public_url.as_deref().unwrap_or("https://handoff.invalid");
    let nowhere = format!("{ours}/webhooks/vsts/none");
    let checked = check.check(base_url, credential, &nowhere).await.map_err(refused)?;
    output.tell(&format!("{} answers at {}.", checked.collection.name, checked.collection.base_url))?;
    for (right, tried) in &checked.rights {
        let said = match tried {
            Ok(()) => format!("  It may {}.", right.words()),
            Err(error) => format!("  It may NOT {}: {error}", right.words()),
        };
        output.tell(&said)?;
    }
    match checked.missing() {
        Some((right, error)) => {
            let said = anyhow!("the credential may not {}: {error}. Nothing was saved.", right.words());
            Err(Failure::refused(said))
        }
        None => Ok(checked),
    }
}

/// When the credential ends: Azure DevOps does not tell.
fn expiry(args: &VstsArgs, guide: &mut Guide<'_>) -> Result<Option<Timestamp>, Failure> {
    let given = match (&args.expires, &mut guide.person) {
        (Some(given), _) => given.clone(),
        (None, Some(person)) => person.line("When does it end (2027-01-31; Enter where unknown)?")?,
        (None, None) => String::new(),
    };
    expiry_of(&given)
}

fn expiry_of(given: &str) -> Result<Option<Timestamp>, Failure> {
    if matches!(given, "" | "unknown") {
        return Ok(None);
    }
    let day = format!("{given}T00:00:00Z");
    let read = Timestamp::parse_rfc3339(given).or_else(|| Timestamp::parse_rfc3339(&day));
    let wrong = || Failure::misconfigured(anyhow!("--expires: must be a day such as 2027-01-31, or `unknown`"));
    read.map(Some).ok_or_else(wrong)
}

/// The projects to connect.
fn chosen(
    args: &VstsArgs,
    guide: &mut Guide<'_>,
    seen: &[RemoteProject],
    output: Output,
) -> Result<Vec<RemoteProject>, Failure> {
    if args.all_projects {
        return Ok(seen.to_vec());
    }
    let named = match (&args.project[..], &mut guide.person) {
        ([], Some(person)) => {
            for one in seen {
                output.tell(&format!("  {}", one.name))?;
            }
            let answer = person.line("Which projects (names, separated by commas; Enter for all)?")?;
            if answer.is_empty() {
                return Ok(seen.to_vec());
            }
            answer.split(',').map(|name| name.trim().to_owned()).collect()
        }
        ([], None) => return Err(missing("--project or --all-projects")),
        (given, _) => given.to_vec(),
    };
    named.iter().map(|name| project_named(seen, name)).collect()
}

fn project_named(seen: &[RemoteProject], name: &str) -> Result<RemoteProject, Failure> {
    let is_it = |one: &&RemoteProject| {
        one.name.as_str().to_lowercase() == name.to_lowercase() || one.id.as_str().eq_ignore_ascii_case(name)
    };
    let found = seen.iter().find(is_it).cloned();
    found.ok_or_else(|| anyhow!("the credential sees no project {name:?} in Azure DevOps").into())
}

/// Makes the installation, or saves the credential in the one that the organization has.
async fn saved(
    api: &ApiState,
    organization: OrganizationId,
    checked: &Checked,
    credential: &Credential,
    expires: Option<Timestamp>,
) -> Result<(Installation, Integration), Failure> {
    let ask = |page| api.reader.installations(organization, page);
    let known = page::all(|(one, _): &(Installation, Integration)| one.id, ask).await?;
    let saved = match known.iter().find(|(_, of)| of.collection_id == checked.collection.id) {
        Some((one, _)) => {
            let (credential, credential_expires_at) = (Some(credential.clone()), Some(expires));
            let change = Change { credential, credential_expires_at, ..Change::default() };
            api.installations.change(organization, one.id, &change).await
        }
        None => api.installations.create(organization, &checked.collection.base_url, credential, expires).await,
    };
    saved.map_err(refused)
}

/// Imports the people of a project's teams, where that is asked for or confirmed.
#[expect(clippy::too_many_arguments, reason = "one step of one flow")]
async fn import(
    api: &ApiState,
    organization: OrganizationId,
    installation: InstallationId,
    of: &RemoteProject,
    into: Option<ProjectId>,
    args: &VstsArgs,
    guide: &mut Guide<'_>,
    output: Output,
    report: &mut Report,
) -> Result<(), Failure> {
    if !args.import_people && guide.person.is_none() {
        return Ok(());
    }
    let from = ImportFrom { installation, azure_project: of.id.clone(), teams: Vec::new() };
    let preview = api.import_people.preview(organization, &from).await.map_err(refused)?;
    let count = |is: fn(&Becomes) -> bool| preview.people.iter().filter(|one| is(&one.becomes)).count();
    let (new, known) = (count(|one| *one == Becomes::NewUser), count(|one| matches!(one, Becomes::Known { .. })));
    let left_out = preview.people.len() - new - known;
    let said = format!(
        "{} people in {} teams: {new} would become users (without sign-in), {known} are known, {left_out} are left out.",
        preview.people.len(),
        preview.teams.len()
    );
    output.tell(&said)?;
    let wanted = match &mut guide.person {
        _ if args.import_people => true,
        Some(person) => !preview.people.is_empty() && person.yes("Import them?")?,
        None => false,
    };
    if wanted {
        let done = api.import_people.import(organization, &from, into).await.map_err(refused)?;
        output.tell(&format!(
            "{} users, {} mappings and {} members of the team.",
            done.users, done.mappings, done.members
        ))?;
        report.people.push(json!({
            "project": of.id,
            "team": done.team,
            "users": done.users,
            "mappings": done.mappings,
            "members": done.members,
            "left_out": done.left_out,
        }));
    }
    Ok(())
}

/// What Azure DevOps refuses has an exit code of its own.
fn refused(error: UseCaseError) -> Failure {
    use handoff_domain::port::TrackerError::{Forbidden, NotSignedIn, Unauthorized};
    match error {
        UseCaseError::Tracker(Unauthorized | NotSignedIn { .. } | Forbidden { .. }) => Failure::refused(error),
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use handoff_domain::text::Name;
    use handoff_domain::work_item::AzureProjectId;
    use std::collections::VecDeque;
    use std::io;

    /// Answers in turn, and fails when asked for more.
    struct Scripted(VecDeque<&'static str>);

    impl Scripted {
        fn next(&mut self) -> io::Result<String> {
            let answer = self.0.pop_front().ok_or(io::ErrorKind::UnexpectedEof)?;
            Ok(answer.to_owned())
        }
    }

    impl Ask for Scripted {
        fn line(&mut self, _: &str) -> io::Result<String> {
            self.next()
        }

        fn secret(&mut self, _: &str) -> io::Result<String> {
            self.next()
        }
    }

    fn args() -> VstsArgs {
        VstsArgs {
            organization: None,
            base_url: None,
            token_file: None,
            tenant: None,
            client_id: None,
            client_secret_file: None,
            expires: None,
            project: Vec::new(),
            all_projects: false,
            import_people: false,
            into: None,
        }
    }

    fn answered(answers: &[&'static str]) -> Result<Credential, Failure> {
        let mut person = Scripted(answers.iter().copied().collect());
        credential(&args(), &mut Guide { person: Some(&mut person) })
    }

    #[test]
    fn a_person_is_asked_for_a_token_or_for_a_service_principal() {
        let client = "6731de76-14a6-49ae-97bc-6eba6914391e";
        assert_eq!(answered(&["n", "a-token"]).unwrap(), Credential::token("a-token").unwrap());
        let principal = Credential::service_principal("contoso.com", client, "s").unwrap();
        assert_eq!(answered(&["y", "contoso.com", client, "s"]).unwrap(), principal);
        assert!(answered(&["y", "a/b", client, "s"]).is_err());
        assert!(answered(&["n"]).is_err(), "nobody answers");
    }

    #[test]
    fn without_a_person_what_is_missing_is_named() {
        let failure = credential(&args(), &mut Guide { person: None }).unwrap_err().to_string();
        assert!(failure.contains("--token-file or the variable AZURE_DEVOPS_EXT_PAT"), "{failure}");
        let failure = chosen(&args(), &mut Guide { person: None }, &[], Output::new(true)).unwrap_err().to_string();
        assert!(failure.contains("--all-projects"), "{failure}");
    }

    #[test]
    fn projects_are_chosen_by_name_or_id_and_a_day_is_read() {
        let id = AzureProjectId::parse("11111111-1111-1111-1111-111111111111").unwrap();
        let seen = [RemoteProject { id: id.clone(), name: Name::parse("Payments").unwrap() }];
        for (answer, expected) in [("payments", Some(1)), (id.as_str(), Some(1)), ("", Some(1)), ("other", None)] {
            let answer: &'static str = Box::leak(answer.to_owned().into_boxed_str());
            let mut person = Scripted([answer].into());
            let mut guide = Guide { person: Some(&mut person) };
            let found = chosen(&args(), &mut guide, &seen, Output::new(true)).ok().map(|found| found.len());
            assert_eq!(found, expected, "{answer}");
        }
        assert_eq!(expiry_of("unknown").unwrap(), None);
        assert_eq!(expiry_of("2027-01-31").unwrap(), Timestamp::parse_rfc3339("2027-01-31T00:00:00Z"));
        assert!(expiry_of("soon").is_err());
    }
}
