//! Pages for people: the channels of every guild, and a channel as Discord would show it. All text is
//! escaped; nothing is loaded from elsewhere; the page looks for news every second.

mod markdown;

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;
use serde_json::Value;

use self::markdown::{escape, to_html};
use super::Shared;
use super::id::{Snowflake, timestamp};
use super::message::{Message, SUPPRESS_EMBEDS};
use super::state::{Channel, Guild, World};

const STYLE: &str = include_str!("page/style.css");

/// Replaces the page's content with a fresh copy, every second.
const REFRESH: &str = "setInterval(async()=>{try{const t=await(await fetch(location.href)).text();\
const n=new DOMParser().parseFromString(t,'text/html').querySelector('main');\
const o=document.querySelector('main');if(n&&o.innerHTML!==n.innerHTML){\
const end=o.scrollTop+o.clientHeight>=o.scrollHeight-40;o.innerHTML=n.innerHTML;\
if(end)o.scrollTop=o.scrollHeight}}catch(e){}},1000);\
document.querySelector('main').scrollTop=1e9;";

/// `GET /_sim`: every channel, by guild.
pub(super) async fn index(State(shared): State<Arc<Shared>>) -> Html<String> {
    let world = shared.world();
    let main = "<div class=\"hint\"><h1>Discord simulator</h1><p>Choose a channel.</p></div>";
    Html(layout("Discord simulator", &sidebar(&world, None), "", main))
}

/// `GET /_sim/channels/{id}`: the messages of a channel.
pub(super) async fn channel(State(shared): State<Arc<Shared>>, Path(channel): Path<Snowflake>) -> Response {
    let world = shared.world();
    let Some(channel) = world.channels.get(&channel) else {
        return (StatusCode::NOT_FOUND, "There is no such channel.").into_response();
    };
    let messages: String = channel.messages.values().map(|of| message(&world, channel, of)).collect();
    let main = if messages.is_empty() {
        "<div class=\"hint\"><p>Nothing has been said here yet.</p></div>".to_owned()
    } else {
        messages
    };
    let header = format!("<span class=\"hash\">#</span> {}", escape(&channel.name));
    let title = format!("#{}", escape(&channel.name));
    Html(layout(&title, &sidebar(&world, Some(channel)), &header, &main)).into_response()
}

fn layout(title: &str, sidebar: &str, header: &str, main: &str) -> String {
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head>\
         <body><nav>{sidebar}</nav><section><header>{header}</header><main>{main}</main></section>\
         <script>{REFRESH}</script></body></html>"
    )
}

fn sidebar(world: &World, current: Option<&Channel>) -> String {
    world.guilds.values().map(|guild| guild_channels(world, guild, current)).collect()
}

fn guild_channels(world: &World, guild: &Guild, current: Option<&Channel>) -> String {
    let of_guild = |channel: &&Channel| channel.guild == Some(guild.id);
    let mut html = format!("<h2>{}</h2>", escape(&guild.name));
    for channel in world.channels.values().filter(of_guild).filter(|channel| channel.thread.is_none()) {
        html.push_str(&link(channel, current));
        let threads = world
            .channels
            .values()
            .filter(|other| other.thread.as_ref().is_some_and(|thread| thread.parent == channel.id));
        threads.for_each(|thread| html.push_str(&link(thread, current)));
    }
    html
}

fn link(channel: &Channel, current: Option<&Channel>) -> String {
    let is_current = current.is_some_and(|current| current.id == channel.id);
    let class = match (channel.thread.is_some(), is_current) {
        (true, true) => "thread current",
        (true, false) => "thread",
        (false, true) => "current",
        (false, false) => "",
    };
    let sign = if channel.thread.is_some() { "└" } else { "#" };
    format!(
        "<a class=\"{class}\" href=\"/_sim/channels/{}\"><span class=\"hash\">{sign}</span> {}</a>",
        channel.id,
        escape(&channel.name)
    )
}

fn message(world: &World, channel: &Channel, message: &Message) -> String {
    let author = world.users.get(&message.author);
    let name = escape(world.name_of(message.author));
    let initial = escape(&world.name_of(message.author).chars().take(1).collect::<String>().to_uppercase());
    let tag = if author.is_some_and(|author| author.is_bot) { "<span class=\"tag\">APP</span>" } else { "" };
    let edited =
        if message.edited_us.is_some() { "<span class=\"edited\" title=\"edited\">(edited)</span>" } else { "" };
    let pings = if message.pings.users.is_empty() {
        String::new()
    } else {
        let names: Vec<String> = message.pings.users.iter().map(|user| escape(world.name_of(*user))).collect();
        format!("<span class=\"pinged\">🔔 {}</span>", names.join(", "))
    };
    let reply = message
        .replies_to
        .and_then(|id| channel.messages.get(&id))
        .map(|replied| reply_line(world, replied))
        .unwrap_or_default();
    let text = to_html(world, channel.guild, &message.content);
    let embeds: String = if message.flags & SUPPRESS_EMBEDS == 0 {
        message.embeds.iter().map(|of| embed(world, channel, of)).collect()
    } else {
        String::new()
    };
    let rows: String = message.components.iter().map(row).collect();
    let at = timestamp(message.created_us);
    let clock = at.get(11..19).unwrap_or_default();
    format!(
        "<article id=\"m{id}\">{reply}<div class=\"avatar\">{initial}</div><div class=\"body\">\
         <div class=\"who\"><b>{name}</b>{tag}<time title=\"{at}\">{clock}</time>{pings}</div>\
         <div class=\"text\">{text}{edited}</div>{embeds}{rows}</div></article>",
        id = message.id,
    )
}

fn reply_line(world: &World, replied: &Message) -> String {
    /// Characters of the message replied to that are shown.
    const SHOWN: usize = 80;
    let start: String = replied.content.chars().take(SHOWN).collect();
    let name = escape(world.name_of(replied.author));
    let start = escape(&start);
    format!("<div class=\"reply\">↱ <b>{name}</b> {start}</div>")
}

fn embed(world: &World, channel: &Channel, embed: &Value) -> String {
    let rich = |value: &Value| to_html(world, channel.guild, value.as_str().unwrap_or_default());
    let part = |class: &str, html: String| {
        if html.is_empty() { html } else { format!("<div class=\"{class}\">{html}</div>") }
    };
    let color = embed["color"].as_u64().unwrap_or(0x1e_1f_22);
    let title = match embed["url"].as_str() {
        Some(url) => format!("<a href=\"{}\" rel=\"noreferrer\">{}</a>", escape(url), rich(&embed["title"])),
        None => rich(&embed["title"]),
    };
    let fields: String = embed["fields"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|field| {
            let class = if field["inline"] == true { "field inline" } else { "field" };
            let (name, value) = (rich(&field["name"]), rich(&field["value"]));
            format!("<div class=\"{class}\"><b>{name}</b><div>{value}</div></div>")
        })
        .collect();
    let footer = escape(embed["footer"]["text"].as_str().unwrap_or_default());
    let at = escape(embed["timestamp"].as_str().unwrap_or_default());
    let footer = match (footer.is_empty(), at.is_empty()) {
        (false, false) => format!("{footer} • {at}"),
        _ => footer + &at,
    };
    format!(
        "<div class=\"embed\" style=\"border-color:#{color:06x}\">{}{}{}{}{}</div>",
        part("author", escape(embed["author"]["name"].as_str().unwrap_or_default())),
        part("title", title),
        part("description", rich(&embed["description"])),
        part("fields", fields),
        part("footer", footer),
    )
}

fn row(row: &Value) -> String {
    let inner: String = row["components"].as_array().into_iter().flatten().map(component).collect();
    format!("<div class=\"row\">{inner}</div>")
}

fn component(component: &Value) -> String {
    /// Discord's number of a button.
    const BUTTON: u64 = 2;
    let disabled = if component["disabled"] == true { " disabled" } else { "" };
    let title = escape(component["custom_id"].as_str().unwrap_or_default());
    if component["type"].as_u64() != Some(BUTTON) {
        let text = escape(component["placeholder"].as_str().unwrap_or("Make a selection"));
        return format!("<div class=\"select\" title=\"{title}\">{text} <span>⌄</span></div>");
    }
    let emoji = escape(component["emoji"]["name"].as_str().unwrap_or_default());
    let label = escape(component["label"].as_str().unwrap_or_default());
    match component["url"].as_str() {
        Some(url) => {
            format!("<a class=\"button s5\" href=\"{}\" rel=\"noreferrer\">{emoji} {label} ↗</a>", escape(url))
        }
        None => {
            let style = component["style"].as_u64().unwrap_or(1);
            format!("<button class=\"button s{style}\" title=\"{title}\"{disabled}>{emoji} {label}</button>")
        }
    }
}
