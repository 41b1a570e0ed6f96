//! The program as a process: run to its end, or served until a signal, in a folder and an environment of its own.

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

/// A folder to run the program in, with its settings.
pub(crate) struct Program {
    pub(crate) folder: TempDir,
    settings: Vec<(String, String)>,
}

/// How a run ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// The one JSON object that was printed.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {} {}", self.stdout, self.stderr))
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }
}

impl Program {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), settings: Vec::new() }.with("HANDOFF_LISTEN", "127.0.0.1:0")
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Listens where others know it beforehand, so that hooks can be made.
    pub(crate) fn reachable(self) -> Self {
        // Taken for a moment only.
        let listen = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        self.with("HANDOFF_LISTEN", &listen.to_string()).with("HANDOFF_PUBLIC_URL", &format!("http://{listen}"))
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_handoff-under-test"));
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.command(arguments).output().unwrap().into()
    }

    /// Makes a token; says what was printed.
    pub(crate) fn token(&self, arguments: &[&str]) -> Value {
        if !self.file("data/handoff.db").exists() {
            assert_eq!(self.run(&["migrate"]).code, Some(0));
        }
        let ended = self.run(&[&["token", "create", "--json", "--name", "tests"], arguments].concat());
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        ended.json()
    }

    /// Serves, and returns once it is ready.
    pub(crate) fn serve(&self) -> Serving {
        let mut command = self.command(&["serve", "--json"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        if line.is_empty() {
            let ended: Ended = child.wait_with_output().unwrap().into();
            panic!("it did not become ready: {:?} {}", ended.code, ended.stderr);
        }
        let ready: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(ready["ready"], true, "{line}");
        let url = format!("http://{}", ready["listen"].as_str().unwrap());
        Serving { child: Some(child), url, client: handoff_sandbox::client::plain_client().unwrap() }
    }
}

/// The program while it serves. Dropping it kills it.
pub(crate) struct Serving {
    child: Option<Child>,
    pub(crate) url: String,
    pub(crate) client: Client,
}

impl Serving {
    pub(crate) async fn ask(&self, token: &Value, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let mut request = self.client.request(method, format!("{}/api/v1{path}", self.url));
        request = request.bearer_auth(token["token"].as_str().unwrap());
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        (answer.status(), answer.json().await.unwrap_or_default())
    }

    pub(crate) async fn get(&self, token: &Value, path: &str) -> Value {
        let (status, json) = self.ask(token, Method::GET, path, Value::Null).await;
        assert_eq!(status, 200, "GET {path}: {json}");
        json
    }

    pub(crate) async fn make(&self, token: &Value, path: &str, body: Value) -> Value {
        let (status, json) = self.ask(token, Method::POST, path, body).await;
        assert_eq!(status, 201, "POST {path}: {json}");
        json
    }

    /// Asks it to stop.
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Waits until it has ended.
    pub(crate) fn wait(mut self) -> Ended {
        let mut child = self.child.take().unwrap();
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        let ended: Ended = child.wait_with_output().unwrap().into();
        Ended { stderr, ..ended }
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(self) -> Ended {
        self.signal("-TERM");
        self.wait()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A name for an organization.
pub(crate) fn contoso() -> Value {
    json!({"name": "Contoso"})
}
