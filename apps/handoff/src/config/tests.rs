//! The configuration: what is read from where, and what is said about every mistake.

use super::{Config, Mistakes, Origin};
use std::collections::BTreeMap;
use std::path::Path;

fn read(file: &str, variables: &[(&str, &str)]) -> Result<(Config, Vec<super::ShownSetting>), Mistakes> {
    let environment: BTreeMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Config::from_layers(Some((Path::new("handoff.toml"), file)), &environment)
}

fn config(file: &str, variables: &[(&str, &str)]) -> Config {
    read(file, variables).unwrap().0
}

/// The keys of the mistakes, and all that is said.
fn mistakes(file: &str, variables: &[(&str, &str)]) -> (Vec<String>, String) {
    let mistakes = read(file, variables).unwrap_err();
    (mistakes.0.iter().map(|one| one.key.clone()).collect(), mistakes.to_string())
}

#[test]
fn the_defaults_run() {
    let config = config("", &[]);
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.public_url, None);
    assert_eq!((config.azure.periods.hooks.as_secs(), config.azure.periods.reconcile.as_secs()), (600, 3600));
    assert_eq!(config.database.url.expose(), "sqlite:data/handoff.db");
    assert_eq!(config.key_file, Path::new("data/handoff.key"));
    assert!(config.database.migrate_on_start && config.snowflake.region().is_none() && config.discord.token.is_none());
}

#[test]
fn variables_lie_over_the_file_and_each_setting_knows_where_it_came_from() {
    let file = "data_dir = \"/srv/handoff\"\n[snowflake]\nenabled = true\nregion = 7\n[azure]\nallowed_hosts = [\"a\"]";
    let variables = [("HANDOFF_SNOWFLAKE__REGION", "9"), ("HANDOFF_AZURE__ALLOWED_HOSTS", "b, c")];
    let (config, shown) = read(file, &variables).unwrap();
    assert_eq!(config.snowflake.region().map(|region| region.get()), Some(9));
    assert_eq!(config.azure.settings.addresses.allowed_hosts, ["b", "c"]);
    assert_eq!(config.database.file().as_deref(), Some(Path::new("/srv/handoff/handoff.db")));
    let origin = |key: &str| shown.iter().find(|one| one.key == key).unwrap().origin.clone();
    assert_eq!(origin("snowflake.region"), Origin::Variable("HANDOFF_SNOWFLAKE__REGION".to_owned()));
    assert_eq!((origin("data_dir"), origin("listen")), (Origin::File, Origin::Default));
}

#[test]
fn every_mistake_is_told_at_once_with_its_key_and_what_to_write() {
    let file =
        "listen = 8080\nlisen = \"x\"\n[snowflake]\nregion = 4096\n[log]\nformat = \"xml\"\n[discord]\ntokn = \"s\"";
    let variables = [("HANDOFF_PUBLIC_URL", "http://handoff.contoso.com/"), ("HANDOFF_HTTP__CONNECTION", "9")];
    let (keys, said) = mistakes(file, &variables);
    for key in ["listen", "lisen", "snowflake.region", "log.format", "discord.tokn", "HANDOFF_HTTP__CONNECTION"] {
        assert!(keys.contains(&key.to_owned()), "{key}: {said}");
    }
    assert_eq!(keys.iter().filter(|key| *key == "public_url").count(), 2, "{said}");
    for words in ["must be an address and a port", "discord.token was meant?", "between 0 and 4095", "https://"] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn a_file_that_is_no_toml_is_told_with_the_line() {
    let (_, said) = mistakes("listen = \n", &[]);
    assert!(said.contains("handoff.toml") && said.contains("line 1"), "{said}");
}

#[test]
fn variables_of_others_that_begin_alike_are_no_mistake() {
    let variables = [("HANDOFF_SERVICE_HOST", "10.0.0.1"), ("HANDOFF_PORT_8080_TCP", "tcp://x"), ("PATH", "/bin")];
    config("", &variables);
    assert_eq!(mistakes("", &[("HANDOFF_PUBLIC_ULR", "x")]).0, ["HANDOFF_PUBLIC_ULR"]);
    assert_eq!(mistakes("", &[("HANDOFF_DISCORD__BOT", "x")]).0, ["HANDOFF_DISCORD__BOT"]);
}

#[test]
fn a_public_url_is_https_unless_only_this_machine_reaches_it() {
    for good in ["https://handoff.contoso.com", "http://127.0.0.1:1", "http://localhost:8080", "http://[::1]:8"] {
        config("", &[("HANDOFF_PUBLIC_URL", good)]);
    }
    for bad in ["http://10.0.0.1", "handoff.contoso.com", "https://h/", "ftp://h", "https://a:b@h", "https://h?x"] {
        assert!(read("", &[("HANDOFF_PUBLIC_URL", bad)]).is_err(), "{bad}");
    }
    config("listen = \"0.0.0.0:8080\"", &[]);
}

#[test]
fn secrets_come_from_files_too_and_are_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "s3cret\n").unwrap();
    let path = path.display().to_string();
    let (config, shown) = read("", &[("HANDOFF_DISCORD__TOKEN_FILE", &path)]).unwrap();
    assert_eq!(config.discord.token.as_ref().map(|token| token.expose()), Some("s3cret"));
    assert!(!format!("{config:?}{shown:?}").contains("s3cret"));
    let url = [("HANDOFF_DATABASE__URL", "postgres://me:s3cret@db/handoff")];
    let (config, shown) = read("", &url).unwrap();
    assert!(!config.database.migrate_on_start && !format!("{config:?}{shown:?}").contains("s3cret"));
    let both = [("HANDOFF_DISCORD__TOKEN_FILE", path.as_str()), ("HANDOFF_DISCORD__TOKEN", "s3cret two")];
    let (keys, said) = mistakes("", &both);
    assert!(keys == ["discord.token"] && !said.contains("s3cret"), "{said}");
    assert_eq!(mistakes("", &[("HANDOFF_DISCORD__TOKEN_FILE", "/nowhere")]).0, ["discord.token_file"]);
    assert_eq!(mistakes("", &[("HANDOFF_DATABASE__URL", "mysql://me:s3cret@db")]).0, ["database.url"]);
}

#[test]
fn an_empty_variable_is_a_mistake_that_is_named_and_no_silent_default() {
    for (name, key) in [
        ("HANDOFF_DATABASE__URL", "database.url"),
        ("HANDOFF_DISCORD__TOKEN", "discord.token"),
        ("HANDOFF_DISCORD__TOKEN_FILE", "discord.token_file"),
        ("HANDOFF_LISTEN", "listen"),
        ("HANDOFF_AZURE__ALLOWED_HOSTS", "azure.allowed_hosts"),
    ] {
        for empty in ["", "  "] {
            let (keys, said) = mistakes("", &[(name, empty)]);
            assert!(keys == [key] && said.contains(name), "{name}: {said}");
        }
    }
    assert_eq!(mistakes("[discord]\ntoken = \"\"", &[]).0, ["discord.token"]);
    config("", &[("HANDOFF_SERVICE_HOST", "")]);
}

#[test]
fn a_secret_in_a_variable_lies_over_the_other_form_of_it_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "of-a-file").unwrap();
    let token = |file: &str, variable| {
        config(file, &[variable]).discord.token.map(|token| token.expose().to_owned()).unwrap_or_default()
    };
    let named = format!("[discord]\ntoken_file = {:?}", path.display().to_string());
    assert_eq!(token(&named, ("HANDOFF_DISCORD__TOKEN", "of-a-variable")), "of-a-variable");
    let path = path.display().to_string();
    assert_eq!(token("[discord]\ntoken = \"t\"", ("HANDOFF_DISCORD__TOKEN_FILE", path.as_str())), "of-a-file");
    let both = format!("{named}\ntoken = \"t\"");
    assert_eq!(mistakes(&both, &[]).0, ["discord.token"]);
}

#[test]
fn a_call_that_could_outlast_the_lease_of_its_task_is_refused() {
    config("[azure]\ncall_timeout_seconds = 196\n[discord]\ntimeout_seconds = 36", &[]);
    let (keys, said) = mistakes("[azure]\ncall_timeout_seconds = 197\n[discord]\ntimeout_seconds = 37", &[]);
    assert_eq!(keys, ["azure.call_timeout_seconds", "discord.timeout_seconds"], "{said}");
}

#[test]
fn retention_is_a_number_of_days() {
    let days = |days: u64| std::time::Duration::from_secs(days * 86_400);
    assert_eq!(config("", &[]).retention, days(30));
    assert_eq!(config("retention.days = 3650", &[]).retention, days(3650));
    for wrong in ["retention.days = 0", "retention.days = 3651"] {
        assert_eq!(mistakes(wrong, &[]).0, ["retention.days"]);
    }
}
