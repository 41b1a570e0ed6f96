//! Interactions: what people do with the bot in Discord, and what they are answered. Decoded and encoded by
//! the adapter; nothing in here is believed before the signature was.

use crate::assignee::Assignee;
use crate::chat::Card;
use crate::group::GroupStatus;
use crate::id::GroupId;
use crate::organization::{DiscordUserId, GuildId, InteractionId};
use crate::time::Timestamp;
use std::time::Duration;

/// How long an interaction's id is remembered. An older one is refused, so that none acts twice. Discord
/// itself forgets an interaction after fifteen minutes (documentation, receiving and responding).
pub const INTERACTION_RETENTION: Duration = Duration::from_secs(86_400);
/// How long the ids are kept: longer than they are good for, since clocks of replicas differ.
pub const INTERACTIONS_KEPT: Duration = Duration::from_secs(2 * 86_400);
/// The most choices that Discord shows in a select or a list of suggestions (documentation, components,
/// application commands).
pub const MAX_CHOICES: usize = 25;
/// The most issues that `/mine` lists.
pub const MAX_LISTED: usize = 20;

/// Something a person did, whose signature was right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interaction {
    /// Its id, which tells when it was made.
    pub id: InteractionId,
    /// Who did it.
    pub account: DiscordUserId,
    /// Where; `None` outside a guild.
    pub place: Option<Place>,
    /// What they ask for.
    pub asked: Asked,
}

/// The guild in which something was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The guild.
    pub guild: GuildId,
    /// Whether the person may manage it.
    pub may_manage: bool,
}

crate::group::words!(
    /// What a button of a card does.
    CardAction {
        /// Gives the group to whoever clicks.
        Take => "take",
        /// Asks to whom to give it.
        Choose => "assign",
        /// Sets it resolved.
        Resolve => "resolve",
        /// Opens it again.
        Reopen => "unresolve",
        /// Puts it away.
        Archive => "archive",
    }
);

impl CardAction {
    /// The status that it sets.
    #[must_use]
    pub const fn status(self) -> Option<GroupStatus> {
        match self {
            Self::Take | Self::Choose => None,
            Self::Resolve => Some(GroupStatus::Resolved),
            Self::Reopen => Some(GroupStatus::Unresolved),
            Self::Archive => Some(GroupStatus::Archived),
        }
    }

    /// The buttons of a card whose group stands there, in order.
    #[must_use]
    pub const fn offered(status: GroupStatus) -> &'static [Self] {
        match status {
            GroupStatus::Unresolved => &[Self::Take, Self::Choose, Self::Resolve, Self::Archive],
            GroupStatus::Resolved => &[Self::Take, Self::Choose, Self::Reopen, Self::Archive],
            GroupStatus::Archived => &[Self::Take, Self::Choose, Self::Reopen],
        }
    }
}

/// Where a card is whose button was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// In the channel: the outbox keeps it up to date.
    Shared,
    /// In an answer that only one person sees: nobody else updates it.
    Private,
}

/// What somebody asks for. Nothing in here says that they may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// A button of a card.
    Press {
        /// Which.
        action: CardAction,
        /// Of which group.
        group: GroupId,
        /// Where.
        on: Surface,
    },
    /// A candidate was picked.
    Pick {
        /// For which group.
        group: GroupId,
        /// Who.
        assignee: Assignee,
    },
    /// A name was entered to look for candidates.
    Find {
        /// For which group.
        group: GroupId,
        /// The name, or a part of it.
        name: String,
    },
    /// `/link`
    Link {
        /// The code.
        code: String,
    },
    /// `/unlink`
    Unlink,
    /// `/claim`
    Claim {
        /// The code.
        code: String,
    },
    /// `/help`
    Help,
    /// `/issue`
    Issue {
        /// For example `BACKEND-42`.
        short_id: String,
    },
    /// `/assign`
    Assign {
        /// For example `BACKEND-42`.
        short_id: String,
        /// To whom: a suggestion's value or a name; to whoever asks where it is absent.
        to: Option<Wanted>,
    },
    /// `/unassign`
    Unassign {
        /// For example `BACKEND-42`.
        short_id: String,
    },
    /// `/mine`
    Mine,
    /// An issue is being typed.
    SuggestIssues {
        /// What was typed so far.
        text: String,
    },
    /// An assignee is being typed.
    SuggestAssignees {
        /// For which issue.
        short_id: String,
        /// What was typed so far.
        text: String,
    },
    /// Something is being typed that we suggest nothing for.
    SuggestNothing,
    /// None of ours.
    NotUnderstood(NotUnderstood),
}

impl Asked {
    /// Whether only suggestions answer it.
    #[must_use]
    pub const fn is_suggestion(&self) -> bool {
        matches!(self, Self::SuggestIssues { .. } | Self::SuggestAssignees { .. } | Self::SuggestNothing)
    }
}

/// To whom something is to be assigned, as it was given to `/assign`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// A suggestion that was taken.
    Suggested(Assignee),
    /// Text that somebody typed by themselves.
    Named(String),
}

/// Why something signed by Discord means nothing to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotUnderstood {
    /// A kind of interaction that we do not know.
    Kind,
    /// A button, select or form that we never made, or that an older version made.
    Component,
    /// A command that we never registered.
    Command,
    /// A command or form without what it needs.
    Incomplete,
}

/// Somebody who can be assigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Who.
    pub assignee: Assignee,
    /// Their name.
    pub name: String,
}

/// A suggestion while typing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Suggestion {
    /// An issue.
    Issue {
        /// For example `BACKEND-42`.
        short_id: String,
        /// What it is about.
        title: String,
    },
    /// Somebody who can be assigned.
    Assignee(Candidate),
}

/// The answer to an interaction. Only whoever asked sees it, except that a card may change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// To Discord's own question whether we are there.
    Pong,
    /// Nothing to show: the card will show it.
    Quiet,
    /// Words.
    Say(Notice),
    /// A group's card.
    Show(Card),
    /// The card whose button was used, as it is now.
    Update(Card),
    /// A choice between candidates.
    Choose {
        /// For which group.
        group: GroupId,
        /// For example `BACKEND-42`.
        short_id: String,
        /// At least one, at most [`MAX_CHOICES`].
        candidates: Vec<Candidate>,
        /// More than these would fit what was asked.
        more: bool,
    },
    /// A form that asks for a name.
    AskName {
        /// For which group.
        group: GroupId,
        /// For example `BACKEND-42`.
        short_id: String,
    },
    /// Suggestions while typing, at most [`MAX_CHOICES`].
    Suggest(Vec<Suggestion>),
}

/// An issue in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// For example `BACKEND-42`.
    pub short_id: String,
    /// What it is about.
    pub title: String,
}

/// What is said to somebody, before it is put into words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The commands.
    Help,
    /// Their account is linked with no user.
    NotLinked,
    /// Their account is linked with this user now.
    Linked {
        /// The user's name.
        name: String,
    },
    /// Their account is linked with nobody any more.
    Unlinked,
    /// The account is linked with another user already.
    AccountTaken,
    /// The code is unknown, used or expired.
    CodeWrong,
    /// Too many wrong codes: none is looked at for a while.
    TooManyWrongCodes,
    /// Their user is inactive.
    Inactive,
    /// It can only be done in a guild.
    NotInGuild,
    /// The guild belongs to no organization.
    GuildUnclaimed,
    /// The guild belongs to this organization now.
    Claimed {
        /// Its name.
        organization: String,
    },
    /// The guild belongs to the organization of the code already.
    ClaimedBefore,
    /// The guild belongs to another organization.
    GuildTaken,
    /// They may not manage the guild.
    MayNotManage,
    /// There is no such issue, or it is another organization's.
    NoSuchIssue,
    /// They have no access to the issue's project.
    NoAccess,
    /// It is this assignee's now.
    Assigned {
        /// For example `BACKEND-42`.
        short_id: String,
        /// The assignee's name.
        to: String,
    },
    /// It was this assignee's already.
    AssignedBefore {
        /// For example `BACKEND-42`.
        short_id: String,
        /// The assignee's name.
        to: String,
    },
    /// It is nobody's now.
    Unassigned {
        /// For example `BACKEND-42`.
        short_id: String,
    },
    /// It was nobody's already.
    NobodysBefore {
        /// For example `BACKEND-42`.
        short_id: String,
    },
    /// It stood there already.
    StatusBefore {
        /// For example `BACKEND-42`.
        short_id: String,
        /// Where.
        status: GroupStatus,
    },
    /// Nobody who can be assigned is called that.
    NobodyFound {
        /// What was looked for; empty where everybody was.
        name: String,
    },
    /// What is assigned to them.
    Mine {
        /// The open issues, the latest first, at most [`MAX_LISTED`].
        issues: Vec<Listed>,
        /// There are more.
        more: bool,
    },
    /// This very interaction was done before.
    DoneBefore,
    /// It is from a time that we do not remember.
    TooOld,
    /// It means nothing to us.
    NotUnderstood(NotUnderstood),
    /// A rule forbids it.
    Refused(String),
    /// The same may work in a moment; nothing was done.
    TryAgain,
    /// Something is wrong on our side; nothing was done.
    Failed,
}

/// Wrong codes of one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongCodes {
    /// How many.
    pub count: i32,
    /// Since when they are counted.
    pub since: Timestamp,
}

impl WrongCodes {
    /// After so many, no code of the account is looked at until the [`window`](Self::WINDOW) is over.
    pub const MAX: i32 = 5;
    /// How long wrong codes are counted, and remembered.
    pub const WINDOW: Duration = Duration::from_secs(600);

    /// None yet.
    #[must_use]
    pub const fn none(now: Timestamp) -> Self {
        Self { count: 0, since: now }
    }

    /// As it counts at `now`: begun anew when the window is over.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        if now.since(self.since) >= Self::WINDOW { Self::none(now) } else { self }
    }

    /// Whether another code may be tried.
    #[must_use]
    pub const fn may_try(self) -> bool {
        self.count < Self::MAX
    }

    /// With one more.
    #[must_use]
    pub const fn one_more(self) -> Self {
        Self { count: self.count.saturating_add(1), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_when_discord_made_it() {
        // The example of Discord's documentation: 2016-04-30T11:18:25.796Z.
        let id = InteractionId::new(175_928_847_299_117_063).unwrap();
        assert_eq!(id.made_at().to_string(), "2016-04-30T11:18:25.796Z");
        assert!(InteractionId::least_at(id.made_at()) <= 175_928_847_299_117_063);
        assert!(InteractionId::least_at(id.made_at().offset_micros(1)) > 175_928_847_299_117_063);
        assert!(InteractionId::new(i64::MAX.unsigned_abs()).unwrap().made_at() > id.made_at());
    }

    #[test]
    fn a_sixth_wrong_code_waits_for_the_window_to_end() {
        let start = Timestamp::from_seconds(1_800_000_000);
        let mut wrong = WrongCodes::none(start);
        for second in 0..5 {
            wrong = wrong.at(start.plus(Duration::from_secs(second)));
            assert!(wrong.may_try());
            wrong = wrong.one_more();
        }
        assert!(!wrong.at(start.plus(Duration::from_secs(599))).may_try());
        assert!(wrong.at(start.plus(WrongCodes::WINDOW)).may_try());
    }

    #[test]
    fn a_card_offers_what_changes_something() {
        for status in [GroupStatus::Unresolved, GroupStatus::Resolved, GroupStatus::Archived] {
            let offered = CardAction::offered(status);
            assert!(offered.len() <= 5, "a row holds five buttons");
            assert!(offered.iter().all(|action| action.status() != Some(status)), "{status:?}");
        }
    }
}
