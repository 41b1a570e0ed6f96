//! The commands.

use handoff_sandbox::discord::InteractionError;
use handoff_tests::scene::{Scene, person};
use handoff_tests::tenant::Tenant;

#[tokio::test]
async fn an_issue_is_shown_to_whoever_asks_with_its_buttons() {
    let scene = Scene::interactive().await;
    let (item, group) = scene.linked("The mill stops").await;
    scene.assign_in_azure(item, &scene.bob);
    scene.settle().await;
    let before = scene.discord.messages(group.channel).len();
    let shown = scene.types(&scene.ada, "issue", &[("issue", &group.short_id.to_lowercase())]).await;
    let embed = &shown.data["embeds"][0];
    assert_eq!(embed["title"], format!("{} · The mill stops", group.short_id));
    let bob = scene.member(&scene.bob);
    assert_eq!(embed["fields"][0]["value"], format!("Bob Ross · <@{}>", bob.discord));
    assert!(embed["fields"][2]["value"].as_str().unwrap().contains(&format!("#{}", item.number)));
    assert_eq!(shown.data["components"][0]["components"].as_array().unwrap().len(), 4);
    assert_eq!(scene.discord.messages(group.channel).len(), before, "only the one who asked sees it");
    scene.finish().await;
}

#[tokio::test]
async fn assign_gives_it_to_me_to_a_suggestion_or_to_a_name_and_unassign_takes_it_back() {
    let scene = Scene::interactive().await;
    let (_, group) = scene.linked("The mill stops").await;
    let (ada, bob) = (scene.member(&scene.ada), scene.member(&scene.bob));
    let issue = ("issue", group.short_id.as_str());
    let said = scene.types(&scene.ada, "assign", &[issue]).await;
    assert!(said.content().contains("Ada Lovelace"), "{said:?}");
    assert_eq!(scene.assignee(&group).await, Some(ada.user));
    scene.types(&scene.ada, "assign", &[issue, ("user", &format!("user:{}", bob.user))]).await;
    assert_eq!(scene.assignee(&group).await, Some(bob.user));
    scene.types(&scene.ada, "assign", &[issue, ("user", "cleo")]).await;
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.cleo).user));
    // An "o" is in several names: a choice.
    let choice = scene.types(&scene.ada, "assign", &[issue, ("user", "o")]).await;
    assert_eq!(choice.options().len(), 3, "{choice:?}");
    let nobody = scene.types(&scene.ada, "assign", &[issue, ("user", "Zoe")]).await;
    assert!(nobody.content().contains("Zoe"), "{nobody:?}");
    let foreign = scene.types(&scene.ada, "assign", &[issue, ("user", "user:999999")]).await;
    assert!(foreign.content().contains("in no team"), "{foreign:?}");
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.cleo).user));
    let back = scene.types(&scene.ada, "unassign", &[issue]).await;
    assert!(back.content().contains("nobody"), "{back:?}");
    assert_eq!(scene.assignee(&group).await, None);
    let again = scene.types(&scene.ada, "unassign", &[issue]).await;
    assert!(again.content().contains("already"), "{again:?}");
    scene.settle().await;
    assert_eq!(scene.card(&group).assignee, "Nobody");
    scene.finish().await;
}

#[tokio::test]
async fn mine_lists_the_open_issues_of_whoever_asks() {
    let scene = Scene::interactive().await;
    let none = scene.types(&scene.ada, "mine", &[]).await;
    assert!(none.content().contains("No open issue"), "{none:?}");
    let mut groups = Vec::new();
    for n in 0..22 {
        let group = scene.tenant.group(&scene, &format!("Mill {n} *stops*")).await;
        scene.types(&scene.ada, "assign", &[("issue", &group.short_id)]).await;
        groups.push(group);
    }
    let mine = scene.types(&scene.ada, "mine", &[]).await;
    let lines: Vec<&str> = mine.content().lines().collect();
    assert_eq!(lines.len(), 21);
    assert_eq!(lines[0], format!("**{}** Mill 21 \\*stops\\*", groups[21].short_id));
    assert_eq!(lines[20], "and more");
    scene.settle().await;
    for group in &groups[2..] {
        scene.press(&scene.ada, group, "resolve").await.unwrap();
    }
    let mine = scene.types(&scene.ada, "mine", &[]).await;
    assert_eq!(mine.content().lines().count(), 2, "{mine:?}");
    let others = scene.types(&scene.bob, "mine", &[]).await;
    assert!(others.content().contains("No open issue"));
    scene.settle().await;
    scene.finish().await;
}

#[tokio::test]
async fn suggestions_are_what_the_person_may_see_and_assign() {
    let mut scene = Scene::interactive().await;
    let (_, mill) = scene.linked("The mill stops").await;
    let (_, pump) = scene.linked("The PUMP leaks 100%").await;
    let globex = Tenant::set_up(&scene, &scene.board, "Globex").await;
    globex.group(&scene, "Their mill").await;
    scene.settle().await;
    let channel = scene.tenant.channel;
    let ada = scene.member(&scene.ada).discord;
    let discord = &scene.discord;
    let titles = |typed: &'static str| async move {
        let answer = discord.autocomplete(ada, channel, "issue", &[("issue", typed)], "issue").await.unwrap();
        answer.suggestions().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let both = titles("").await;
    assert_eq!(both.len(), 2, "{both:?}");
    assert_eq!(titles("MILL").await, [format!("{} · The mill stops", mill.short_id)]);
    assert_eq!(titles("100%").await, [format!("{} · The PUMP leaks 100%", pump.short_id)]);
    assert_eq!(titles("backend-1").await.len(), 1);
    assert!(titles("%").await.len() == 1 && titles("_").await.is_empty() && titles("\u{0}'\\").await.is_empty());

    let people = |options: Vec<(&'static str, String)>| async move {
        let options: Vec<(&str, &str)> = options.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = discord.autocomplete(ada, channel, "assign", &options, "user").await.unwrap();
        answer.suggestions().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let issue = ("issue", mill.short_id.clone());
    let all = people(vec![issue.clone(), ("user", String::new())]).await;
    assert_eq!(all, ["Ada Lovelace", "Bob Ross", "Cleo Nile", "Engines (team)"]);
    assert_eq!(people(vec![issue, ("user", "ross".to_owned())]).await, ["Bob Ross"]);
    assert!(people(vec![("issue", "NOTHING-1".to_owned()), ("user", String::new())]).await.is_empty());
    assert!(people(vec![("user", "ada".to_owned())]).await.is_empty());

    // Nothing for who is not linked, or not in a team.
    let dora = person(&scene, "Dora Outside");
    let outside = scene.add_user(&dora).await;
    let stranger = scene.stranger(scene.tenant.guild, scene.tenant.readers, "mallory");
    for user in [outside.discord, stranger] {
        let answer = scene.discord.autocomplete(user, channel, "issue", &[("issue", "")], "issue").await.unwrap();
        assert!(answer.suggestions().is_empty(), "{answer:?}");
    }
    scene.finish().await;
}

#[tokio::test]
async fn help_is_for_everybody_and_an_issue_that_is_none_is_said_to_be_none() {
    let scene = Scene::interactive().await;
    let stranger = scene.stranger(scene.tenant.guild, scene.tenant.readers, "mallory");
    let help = scene.discord.command(stranger, scene.tenant.channel, "help", &[]).await.unwrap();
    for command in ["/link", "/unlink", "/issue", "/assign", "/unassign", "/mine", "/claim"] {
        assert!(help.content().contains(command), "{command}");
    }
    for typed in ["BACKEND-999", "NOTHING-1", "nonsense", "-1", "BACKEND-", "<@1>", "\u{0}"] {
        let answer = scene.types(&scene.ada, "issue", &[("issue", typed)]).await;
        assert_eq!(answer.content(), "There is no such issue.", "{typed}");
    }
    let missing = scene.discord.command(stranger, scene.tenant.channel, "issue", &[]).await;
    assert!(matches!(missing, Err(InteractionError::Command(_))), "Discord asks for it itself");
    scene.finish().await;
}
