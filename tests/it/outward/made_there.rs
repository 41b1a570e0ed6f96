//! Work items and comments that are made in Azure DevOps because somebody asked for them here: one of each,
//! whatever is lost on the way.

use super::outward;
use handoff_sandbox::azure::SimWorkItem;
use handoff_sandbox::fault::Fault;
use handoff_tests::scene::{Group, Scene};
use reqwest::Method;
use serde_json::{Value, json};

async fn wanted(scene: &Scene, group: &Group, work_item_type: &str) -> u16 {
    let wanted = json!({
        "installation": scene.tenant.installation,
        "azure_project": scene.board.project.to_string(),
        "type": work_item_type,
        "by": scene.member(&scene.bob).user,
    });
    scene.api.call(Method::POST, &format!("{}/work-items", group.at), &wanted).await.status
}

fn all(scene: &Scene) -> Vec<SimWorkItem> {
    scene.azure.work_items()
}

#[tokio::test]
async fn a_work_item_that_is_wanted_of_a_group_says_what_the_group_says_and_is_linked() {
    let scene = outward().await;
    scene.tenant.toggle(&scene, "outbound_status", true).await;
    let group = scene.tenant.group(&scene, "<b>The mill</b> stops & burns").await;
    scene.assign_here(&group, &scene.ada).await;
    scene.settle().await;
    assert_eq!(wanted(&scene, &group, "Bug").await, 202);
    scene.settle().await;

    let items = all(&scene);
    assert_eq!(items.len(), 1);
    assert_eq!((items[0].title.as_str(), items[0].work_item_type.as_str()), ("<b>The mill</b> stops & burns", "Bug"));
    let description = items[0].fields["System.Description"].as_str().unwrap();
    assert!(description.contains("&lt;b&gt;The mill&lt;/b&gt; stops &amp; burns"), "{description}");
    assert_eq!(scene.assignee_there(items[0].key).as_deref(), Some(scene.ada.address.as_str()));
    // It is no baseline: the group keeps whom it had.
    assert_eq!(scene.assignee(&group).await, Some(scene.member(&scene.ada).user));
    assert_eq!(scene.link_of(&group).await["work_item"]["number"], items[0].key.number);
    scene.finish().await;
}

#[tokio::test]
async fn whatever_is_lost_on_the_way_there_is_one_work_item_and_one_link() {
    for fault in [Fault::Drop, Fault::FailAfter { status: 503 }, Fault::RefuseBefore { status: 503 }] {
        let scene = outward().await;
        let group = scene.tenant.group(&scene, "The mill stops").await;
        scene.azure.faults().push_next("create_work_item", fault);
        assert_eq!(wanted(&scene, &group, "Bug").await, 202);
        scene.settle().await;
        assert_eq!(all(&scene).len(), 1, "{fault:?}");
        assert_eq!(scene.api.list(&format!("{}/links", group.at)).await.len(), 1, "{fault:?}");
        scene.finish().await;
    }
}

#[tokio::test]
async fn a_work_item_that_cannot_be_made_says_why() {
    let scene = outward().await;
    let group = scene.tenant.group(&scene, "The mill stops").await;
    assert_eq!(wanted(&scene, &group, "").await, 422);
    assert_eq!(wanted(&scene, &group, "No Such Type").await, 202);
    scene.settle().await;
    assert!(all(&scene).is_empty());
    let rows = scene.api.list(&format!("{}/outbox", scene.tenant.at)).await;
    let row = rows.iter().find(|row| row["task"] == "create_work_item").unwrap();
    assert!(["dead", "obsolete"].contains(&row["state"].as_str().unwrap()), "{row}");
    assert!(row["reason"].as_str().is_some_and(|reason| reason.contains("type")), "{row}");
    let dead_rows = usize::from(row["state"] == "dead");
    let expected = handoff_tests::leftovers::Expected { dead_rows, ..Default::default() };
    scene.into_instance().finish_expecting(&expected).await;
}

async fn say(scene: &Scene, group: &Group, text: &str) -> Value {
    let said = json!({"text": text, "by": scene.member(&scene.bob).user});
    scene.api.change(Method::POST, &format!("{}/comments", group.at), said).await
}

#[tokio::test]
async fn a_comment_is_said_once_at_every_work_item_that_takes_comments_and_kept_in_the_history() {
    for fault in [None, Some(Fault::Drop), Some(Fault::RefuseBefore { status: 503 })] {
        let scene = outward().await;
        let (item, group) = scene.linked("The mill stops").await;
        assert_eq!(say(&scene, &group, "Before it is let through").await["work_items"], 0);
        scene.tenant.toggle(&scene, "comments", true).await;
        if let Some(fault) = fault {
            scene.azure.faults().push_next("add_comment", fault);
        }
        assert_eq!(say(&scene, &group, "<script>It</script>\nhurts").await["work_items"], 1);
        scene.settle().await;
        let comments = scene.item(item).comments;
        assert_eq!(comments.len(), 1, "{fault:?}: {comments:?}");
        assert!(comments[0].starts_with("&lt;script&gt;It&lt;/script&gt;<br>hurts"), "{comments:?}");
        assert!(comments[0].contains("Bob Ross"), "{comments:?}");
        let kinds = scene.activities(&group).await;
        assert_eq!(kinds.iter().filter(|entry| entry["kind"] == "commented").count(), 2);
        assert_eq!(scene.assignee(&group).await, None);
        scene.finish().await;
    }
}
