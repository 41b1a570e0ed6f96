//! The interactions endpoint towards whoever is not Discord: what they can make us read and keep.

use super::world::{Answered, World};
use axum::body::Body;
use axum::http::Request;
use bytes::Bytes;
use futures::{StreamExt, stream};
use std::convert::Infallible;

async fn post(world: &World, is_signed: bool, body: Body) -> Answered {
    let request = Request::post("/webhooks/discord");
    let request = if is_signed { request.header("signed", "so it says") } else { request };
    world.send(request.body(body).unwrap()).await
}

fn chunk(bytes: usize) -> Result<Bytes, Infallible> {
    Ok(Bytes::from(vec![b'x'; bytes]))
}

#[tokio::test]
async fn what_has_not_even_the_form_of_a_signature_is_401_and_its_body_is_not_read() {
    let world = World::new().await;
    let unread = Body::from_stream(stream::once(async { panic!("the body was read") as Result<Bytes, Infallible> }));
    let answer = post(&world, false, unread).await;
    assert_eq!((answer.status.as_u16(), answer.json["code"].as_str()), (401, Some("unauthorized")));
    assert_eq!(post(&world, true, Body::from("no ping")).await.status, 401);
    assert_eq!(post(&world, true, Body::from("ping")).await.status, 200);
}

#[tokio::test]
async fn bodies_of_strangers_share_a_bounded_memory_which_is_free_again_when_they_are_sent_away() {
    let world = World::new().await;
    let slow = || Body::from_stream(stream::once(async { chunk(128 * 1024) }).chain(stream::pending()));
    let crowded = async {
        tokio::task::yield_now().await;
        post(&world, true, Body::from("ping")).await
    };
    let (first, second, crowded) = tokio::join!(post(&world, true, slow()), post(&world, true, slow()), crowded);
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (408, 408));
    assert_eq!((crowded.status.as_u16(), crowded.header("retry-after").is_empty()), (503, false));
    assert_eq!(post(&world, true, Body::from("ping")).await.status, 200);
}

#[tokio::test]
async fn a_body_past_the_limit_is_413() {
    let world = World::new().await;
    let endless = Body::from_stream(stream::repeat_with(|| chunk(1024)));
    assert_eq!(post(&world, true, endless).await.status, 413);
}
