//! The real program as a process between the two simulators: killed without warning, and started again on the
//! same database at the same address.

use handoff_sandbox::azure::{AzureOptions, AzureSim, NewWorkItem, ProjectId, WorkItemKey};
use handoff_sandbox::client::plain_client;
use handoff_sandbox::discord::{DiscordOptions, DiscordSim};
use handoff_tests::adapters::BOT_TOKEN;
use handoff_tests::api::Api;
use handoff_tests::database::{Kind, TestDatabase};
use handoff_tests::instance::specs;
use handoff_tests::scene::{Board, Group, Person, person};
use handoff_tests::served::Served;
use handoff_tests::tenant::Tenant;
use handoff_tests::under_test::{CLOCK, HOLD, HoldPoint, REACHED, SharedClock};
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// How many times as fast as the system's the clock of everybody runs.
const SPEED: u32 = 10;
/// Looks for something that must come to pass, and the real time between two of them: five minutes at the most.
const LOOKS: usize = 15_000;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);
/// Looks without any progress after which the clock is moved, and how far: past every lease in a few.
const PATIENCE: usize = 10;
const MOVE: Duration = Duration::from_secs(60);
/// How long a request may take, in real time, on a busy machine.
const REQUEST: Duration = Duration::from_secs(30);

/// A process that serves, and what must live as long as it.
struct Running {
    child: Child,
    /// Closed, it would make the program's next line of output a failure.
    _output: BufReader<ChildStdout>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program, its organization, and everything around it.
pub(crate) struct Theatre {
    pub(crate) served: Served,
    pub(crate) clock: SharedClock,
    pub(crate) board: Board,
    pub(crate) tenant: Tenant,
    /// Members in the team of the project.
    pub(crate) people: Vec<Person>,
    pub(crate) database: TestDatabase,
    /// Where the program reaches its database.
    database_url: String,
    listen: SocketAddr,
    folder: TempDir,
    ticking: JoinHandle<()>,
    /// `None` while it is dead.
    running: Option<Running>,
}

impl Theatre {
    /// An organization of so many people on a new database; `None`, and the test skipped, where there is no
    /// server for it.
    pub(crate) async fn open(kind: Kind, people: usize) -> Option<Self> {
        let database = TestDatabase::migrated(kind).await.unwrap()?;
        let url = database.url().to_owned();
        Some(Self::open_through(database, url, people).await)
    }

    /// As [`Theatre::open`], where the program reaches its database at another address.
    pub(crate) async fn open_through(database: TestDatabase, database_url: String, people: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = SharedClock::in_file(&folder.path().join("clock")).unwrap();
        let mut azure = AzureOptions::new(clock.sim().clone());
        (azure.specs, azure.concurrent_deliveries) = (specs(), 4);
        let mut discord = DiscordOptions::new(clock.sim().clone());
        discord.specs = specs();
        let (azure, discord) = (AzureSim::start(azure).await.unwrap(), DiscordSim::start(discord).await.unwrap());
        let bot = discord.add_bot(BOT_TOKEN, "Handoff");
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let program =
            Program { folder: &folder, database_url: &database_url, listen, azure: &azure, discord: &discord };
        let token = program.token();
        let running = program.serve(None).await;
        let api = Api::new(plain_client().unwrap(), format!("http://{listen}"), token, None);
        let served = Served { azure, discord, bot, api };
        let board = Board::set_up(&served, "fabrikam");
        let mut tenant = Tenant::set_up(&served, &board, "Contoso").await;
        tenant.toggle(&served, "outbound_assignee", true).await;
        let people: Vec<Person> = (0..people).map(|n| person(&served, &format!("Member {n}"))).collect();
        for one in &people {
            tenant.add_member(&served, one).await;
        }
        let running = Some(running);
        let ticking = clock.clone();
        let ticking = tokio::spawn(async move { ticking.run_fast(SPEED).await });
        Self { served, clock, board, tenant, people, database, database_url, listen, folder, ticking, running }
    }

    /// Ends the process where it stands: SIGKILL.
    pub(crate) fn kill(&mut self) {
        drop(self.running.take().unwrap());
    }

    /// Starts it again.
    pub(crate) async fn start(&mut self) {
        self.serve(None).await;
    }

    /// Starts it again, to stop at this point.
    pub(crate) async fn start_holding(&mut self, point: HoldPoint) {
        self.serve(Some(point)).await;
    }

    async fn serve(&mut self, hold: Option<HoldPoint>) {
        assert!(self.running.is_none());
        let (azure, discord) = (&self.served.azure, &self.served.discord);
        let (folder, database_url) = (&self.folder, self.database_url.as_str());
        let program = Program { folder, database_url, listen: self.listen, azure, discord };
        self.running = Some(program.serve(hold).await);
    }

    /// Waits until the program has stopped at its point, and kills it there.
    pub(crate) async fn kill_at_the_point(&mut self) {
        let reached = reached(&self.folder);
        eventually("the point is reached", || reached.exists()).await;
        self.kill();
        std::fs::remove_file(reached).unwrap();
    }

    /// Lets everything come to rest. Time passes as far as that needs.
    pub(crate) async fn settle(&self) {
        let (mut before, mut idle) = (None, 0);
        for _ in 0..LOOKS {
            let left = self.left().await;
            if left == [0, 0, 0] {
                return;
            }
            idle = if before == Some(left) { idle + 1 } else { 0 };
            if idle == PATIENCE {
                self.clock.advance(MOVE);
                idle = 0;
            }
            before = Some(left);
            nap(BETWEEN_LOOKS).await;
        }
        panic!("it does not come to rest: {:?}", self.left().await);
    }

    /// What is still to be delivered, applied, and carried out.
    async fn left(&self) -> [usize; 3] {
        // Just after an outage a connection may be found broken: nothing is known then, so not at rest.
        let waiting = async |list: &str| {
            let path = format!("{}/{list}?state=pending", self.tenant.at);
            let answer = self.served.api.call(Method::GET, &path, &Value::Null).await;
            answer.json["items"].as_array().map_or(usize::MAX, Vec::len)
        };
        [self.served.azure.pending_deliveries(), waiting("deliveries").await, waiting("outbox").await]
    }

    /// A bug on the board and a group that is linked with it.
    pub(crate) async fn linked(&self, title: &str) -> (WorkItemKey, Group) {
        let item = self.served.azure.add_work_item(self.board.project, &NewWorkItem::new("Bug", title)).unwrap();
        let group = self.tenant.group(&self.served, title).await;
        self.tenant.link(&self.served, &group, item).await;
        (item, group)
    }

    /// Assigns a work item, as somebody at the board does.
    pub(crate) fn assign_there(&self, item: WorkItemKey, to: &Person) {
        self.served.azure.assign_work_item(item, to.identity).unwrap();
    }

    /// Where projects of Azure DevOps are connected.
    pub(crate) fn connecting(&self) -> String {
        format!("{}/installations/{}/projects", self.tenant.at, self.tenant.installation)
    }

    /// A client that does not give up.
    pub(crate) fn patient(&self) -> Patient {
        Patient { client: plain_client().unwrap(), api: self.served.api.clone() }
    }

    /// The types of the hooks that Azure DevOps has for a project, in order.
    pub(crate) fn hooks_of(&self, project: ProjectId) -> Vec<String> {
        let all = self.served.azure.subscriptions().into_iter();
        let of_project = all.filter(|hook| hook.publisher_inputs.get("projectId") == Some(&project.to_string()));
        let mut types: Vec<String> = of_project.map(|hook| hook.event_type).collect();
        types.sort_unstable();
        types
    }
}

impl Drop for Theatre {
    fn drop(&mut self) {
        self.ticking.abort();
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            let last: Vec<&str> = log.lines().rev().take(40).collect();
            let last: Vec<&str> = last.into_iter().rev().collect();
            println!("the program's last words:\n{}", last.join("\n"));
        }
    }
}

/// How the program is called.
struct Program<'a> {
    folder: &'a TempDir,
    database_url: &'a str,
    listen: SocketAddr,
    azure: &'a AzureSim,
    discord: &'a DiscordSim,
}

impl Program<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let log = File::options().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_handoff-under-test"));
        command.args(arguments).current_dir(self.folder.path()).env_clear().stderr(log);
        command.envs([
            ("HANDOFF_LISTEN", self.listen.to_string()),
            ("HANDOFF_PUBLIC_URL", format!("http://{}", self.listen)),
            ("HANDOFF_DATABASE__URL", self.database_url.to_owned()),
            ("HANDOFF_AZURE__ALLOWED_HOSTS", self.azure.addr().to_string()),
            ("HANDOFF_AZURE__ALLOW_HTTP", "true".to_owned()),
            ("HANDOFF_AZURE__ALLOW_PRIVATE_ADDRESSES", "true".to_owned()),
            ("HANDOFF_DISCORD__TOKEN", BOT_TOKEN.to_owned()),
            ("HANDOFF_DISCORD__API_BASE", format!("{}/api/v10", self.discord.base_url())),
        ]);
        command.env(CLOCK, self.folder.path().join("clock"));
        command
    }

    fn token(&self) -> String {
        let made = self.command(&["token", "create", "--json", "--name", "tests"]).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        let made: Value = serde_json::from_slice(&made.stdout).unwrap();
        made["token"].as_str().unwrap().to_owned()
    }

    async fn serve(&self, hold: Option<HoldPoint>) -> Running {
        let mut command = self.command(&["serve", "--json"]);
        if let Some(point) = hold {
            command.env(HOLD, point.name()).env(REACHED, reached(self.folder));
        }
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let read = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            output.read_line(&mut line).map(|_| (line, output))
        });
        let (line, output) = read.await.unwrap().unwrap();
        let running = Running { child, _output: output };
        assert!(line.contains("\"ready\":true"), "it is not ready: {line}");
        running
    }
}

/// The file that says that the program has stopped at its point.
fn reached(folder: &TempDir) -> PathBuf {
    folder.path().join("reached")
}

/// A port that is free, of those that the system does not give to anybody who asks for any: it must be there
/// again after each death.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 20_000 + u16::try_from(std::process::id() % 100).unwrap() * 100;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::SeqCst) % 2_000;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// Calls our API as a script of a user does: again and again until it is answered.
#[derive(Clone)]
pub(crate) struct Patient {
    client: Client,
    api: Api,
}

impl Patient {
    /// Changes something.
    pub(crate) async fn change(&self, method: Method, path: &str, body: &Value) {
        for _ in 0..LOOKS {
            let request = self.client.request(method.clone(), self.api.url_of(path)).timeout(REQUEST);
            match request.bearer_auth(self.api.token()).json(body).send().await.map(|answer| answer.status()) {
                Ok(status) if status.is_success() => return,
                // Somebody else was at it, or it is asked to come again.
                Ok(StatusCode::SERVICE_UNAVAILABLE | StatusCode::CONFLICT) | Err(_) => nap(BETWEEN_LOOKS).await,
                Ok(other) => panic!("{method} {path} with {body} was answered {other}"),
            }
        }
        panic!("{method} {path} is not answered");
    }
}

/// Waits, in real time, until it holds.
pub(crate) async fn eventually(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..LOOKS {
        if holds() {
            return;
        }
        nap(BETWEEN_LOOKS).await;
    }
    panic!("not in time: {what}");
}

/// Waits so long, in real time.
pub(crate) async fn nap(duration: Duration) {
    let _ = tokio::time::timeout(duration, std::future::pending::<()>()).await;
}
