//! What people do in Discord, in a scene: the bot's commands registered, its endpoint proved.

use crate::adapters::{CALL_TIMEOUT, messenger};
use crate::instance::{Instance, Setup};
use crate::scene::{Group, Person, Scene};
use handoff::wiring::Ports;
use handoff_sandbox::discord::{Answered, InteractionError, Snowflake};

impl Scene {
    /// The usual scene, with commands and an endpoint.
    pub async fn interactive() -> Self {
        Self::interactive_with(Setup::default(), |_| {}).await
    }

    /// The same in an instance that is set up otherwise.
    pub async fn interactive_with(setup: Setup, change: impl FnOnce(&mut Ports)) -> Self {
        let scene = Self::with(setup, change).await;
        scene.set_up_interactions().await;
        scene
    }

    /// Somebody of the scene clicks a button of a group's card.
    ///
    /// # Panics
    /// Unless the group has one card.
    pub async fn press(&self, person: &Person, group: &Group, verb: &str) -> Result<Answered, InteractionError> {
        self.press_as(self.member(person).discord, group, verb).await
    }

    /// Somebody of the scene types a command in the scene's channel.
    ///
    /// # Panics
    /// When it fails.
    pub async fn types(&self, person: &Person, name: &str, options: &[(&str, &str)]) -> Answered {
        let user = self.member(person).discord;
        self.discord.command(user, self.tenant.channel, name, options).await.unwrap()
    }
}

impl Instance {
    /// Registers the commands and the endpoint, as an operator does.
    ///
    /// # Panics
    /// When Discord refuses one of them.
    pub async fn set_up_interactions(&self) {
        let messenger = messenger(&self.discord, self.ports.clock.clone(), CALL_TIMEOUT);
        let application = messenger.application().await.unwrap();
        assert_eq!(application.verify_key, self.discord.public_key());
        messenger.register_commands(application.id).await.unwrap();
        let url = format!("{}/webhooks/discord", self.base_url());
        self.discord.set_interactions_endpoint(&url).await.unwrap();
    }

    /// An account clicks a button of a group's card.
    ///
    /// # Panics
    /// Unless the group has one card.
    pub async fn press_as(&self, user: Snowflake, group: &Group, verb: &str) -> Result<Answered, InteractionError> {
        let card = self.card(group).message;
        self.discord.click(user, card, &format!("{verb}:{}", group.id)).await
    }

    /// An account that is in the scene's guild and reads its channel, of nobody we know.
    ///
    /// # Panics
    /// When the simulator refuses it.
    #[must_use]
    pub fn stranger(&self, guild: Snowflake, readers: Snowflake, name: &str) -> Snowflake {
        let user = self.discord.add_user(name);
        self.discord.add_member(guild, user).unwrap();
        self.discord.give_role(guild, user, readers).unwrap();
        user
    }
}
