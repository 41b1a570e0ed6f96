//! `handoff reconcile`: what it finds, what it says where the service has the file, and beside a service on
//! PostgreSQL.

use super::program::{Program, Serving, contoso};
use handoff_sandbox::azure::{
    AzureOptions, AzureSim, Hosting, NewIdentity, NewWorkItem, PatRights, Process, ProjectId, WorkItemKey,
};
use handoff_sandbox::clock::SimClock;
use handoff_tests::database::{Kind, TestDatabase};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// How often to look whether the service has done something, and how long to look away in between.
const LOOKS: usize = 600;
const LOOK_AWAY: Duration = Duration::from_millis(20);

/// A collection with a work item.
struct Board {
    azure: AzureSim,
    url: String,
    project: ProjectId,
    item: WorkItemKey,
}

impl Board {
    async fn new() -> Self {
        let azure = AzureSim::start(AzureOptions::new(SimClock::real())).await.unwrap();
        let collection = azure.add_collection("contoso", Hosting::Cloud);
        let project = azure.add_project(collection, "Payments", Process::Agile).unwrap();
        let robot = azure.add_identity(NewIdentity::person("Handoff", "handoff@contoso.example"));
        azure.set_pat("pat", robot, PatRights::full());
        let item = azure.add_work_item(project, &NewWorkItem::new("Bug", "The mill stops")).unwrap();
        let url = azure.collection_url(collection).unwrap();
        Self { azure, url, project, item }
    }

    fn program(&self) -> Program {
        Program::new()
            .with("HANDOFF_AZURE__ALLOWED_HOSTS", &self.azure.addr().to_string())
            .with("HANDOFF_AZURE__ALLOW_HTTP", "true")
            .with("HANDOFF_AZURE__ALLOW_PRIVATE_ADDRESSES", "true")
            .reachable()
    }

    /// Connects the project and links a group with the work item; the path of the connected project.
    async fn follow(&self, serving: &Serving, token: &Value) -> String {
        serving.make(token, "/organizations", contoso()).await;
        let at = "/organizations/contoso";
        let installation = json!({"base_url": self.url, "credential": "pat"});
        let installation = serving.make(token, &format!("{at}/installations"), installation).await["id"].take();
        let projects = format!("{at}/installations/{}/projects", installation.as_str().unwrap());
        serving.make(token, &projects, json!({"azure_project": self.project.to_string()})).await;
        serving.make(token, &format!("{at}/projects"), json!({"name": "Backend"})).await;
        let group = json!({"title": "The mill stops"});
        let group = serving.make(token, &format!("{at}/projects/backend/groups"), group).await;
        let link = json!({"installation": installation, "work_item": self.item.number});
        serving.make(token, &format!("{at}/groups/{}/links", group["id"].as_str().unwrap()), link).await;
        format!("{projects}/{}", self.project)
    }

    /// Gives the work item to somebody new, of whom no hook tells us.
    fn assign(&self, name: &str) {
        let who = self.azure.add_identity(NewIdentity::person(name, &format!("{name}@contoso.example")));
        self.azure.assign_work_item(self.item, who).unwrap();
    }
}

/// Runs the command, and reads what it tells of the one project.
fn reconciled(program: &Program, arguments: &[&str]) -> Value {
    let ended = program.run(&[&["reconcile", "--json"], arguments].concat());
    assert_eq!(ended.code, Some(0), "{} {}", ended.stdout, ended.stderr);
    ended.json()
}

fn assert_assignee_differed(found: &Value, item: i64) {
    assert_eq!((&found["name"], &found["looked_at"]), (&json!("Payments"), &json!(1)), "{found}");
    assert_eq!(found["differed"], json!([{"work_item": item, "fields": ["assignee"]}]));
    assert_eq!(found["counts"], json!({"assignee": 1, "state": 0, "title": 0, "deleted": 0}));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_what_differed_and_names_the_calls_of_the_api_while_the_service_has_the_file() {
    let board = Board::new().await;
    let program = board.program();
    let token = program.token(&[]);
    assert!(program.run(&["reconcile"]).stdout.contains("No project is connected"));
    let serving = program.serve();
    let project = board.follow(&serving, &token).await;
    let refused = program.run(&["reconcile"]);
    assert_eq!(refused.code, Some(1));
    let call = format!("POST /api/v1{project}/reconcile");
    assert!(refused.stderr.contains("the service is running") && refused.stderr.contains(&call), "{}", refused.stderr);
    let (status, _) = serving.ask(&token, Method::POST, &format!("{project}/reconcile"), Value::Null).await;
    assert_eq!(status, 202);
    assert_eq!(serving.stop().code, Some(0));

    board.assign("ada");
    assert_assignee_differed(&reconciled(&program, &[]), board.item.number);
    assert_eq!(reconciled(&program, &["--organization", "contoso", "--project", "payments"])["differed"], json!([]));
    board.assign("bob");
    let said = program.run(&["reconcile"]);
    let words =
        format!("contoso / Payments: 1 of 1 work items differed (assignee 1)\n  {}: assignee", board.item.number);
    assert!(said.stdout.contains(&words), "{}", said.stdout);
    for wrong in [["--project", "nothing"], ["--organization", "nobody"]] {
        assert_eq!(program.run(&[&["reconcile"], &wrong[..]].concat()).code, Some(1), "{wrong:?}");
    }
    board.azure.revoke_pat("pat");
    let failed = program.run(&["reconcile", "--json"]);
    assert_eq!(failed.code, Some(1));
    assert!(failed.json()["error"].as_str().unwrap().contains("credential"), "{}", failed.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_works_beside_a_service_on_postgresql() {
    let Some(database) = TestDatabase::migrated(Kind::Postgres).await.unwrap() else { return };
    let board = Board::new().await;
    let program = board.program().with("HANDOFF_DATABASE__URL", database.url());
    let made = program.run(&["token", "create", "--json", "--name", "tests"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let token = made.json();
    let first = program.serve();
    board.follow(&first, &token).await;
    assert_eq!(first.stop().code, Some(0));
    // The service reads what was connected when it begins, and then not for an hour.
    let serving = program.serve();
    at_rest(&serving, &token).await;
    // The service is not told of it, so that it is the command that finds it.
    board.azure.hold_deliveries();
    board.assign("ada");
    assert_assignee_differed(&reconciled(&program, &["--organization", "contoso"]), board.item.number);
    assert_eq!(serving.stop().code, Some(0));
}

/// Waits until the service has read the project, and has nothing left to read.
async fn at_rest(serving: &Serving, token: &Value) {
    for _ in 0..LOOKS {
        let rows = serving.get(token, "/organizations/contoso/outbox").await;
        let is_read = |row: &Value| row["task"] == "reconcile_project";
        let read: Vec<&Value> = rows["items"].as_array().unwrap().iter().filter(|row| is_read(row)).collect();
        if !read.is_empty() && read.iter().all(|row| row["state"] == "done") {
            return;
        }
        let _ = tokio::time::timeout(LOOK_AWAY, std::future::pending::<()>()).await;
    }
    panic!("the service reads without end");
}
