//! What is said of presence, and to whom.

use domain::id::UserId;

use super::{
    super::{
        hub::{Hub, SessionKey},
        outbound::{OnlinePerson, PresenceSnapshot, ServerEvent as _, UserOffline, UserOnline},
    },
    State,
};

impl State {
    /// Tells the partners of `user`, who is online now.
    pub(super) fn tell_online(&self, hub: &Hub, user: &UserId) {
        let Some(partner_set) = self.circles.get(user) else { return };
        let (user_id, user_name) = (user.as_str(), &**partner_set.name());
        let Some(told) = (UserOnline { user_id, user_name }).told() else { return };
        for partner in
            partner_set.partners().iter().filter(|partner| self.register.is_online(partner))
        {
            hub.tell_user_volatile(partner, &told);
        }
    }

    /// Tells one person that `user` is online, if that is so.
    pub(super) fn tell_online_to(&self, hub: &Hub, listener: &UserId, user: &UserId) {
        let Some(partner_set) = self.circles.get(user).filter(|partner_set| partner_set.is_known())
        else {
            return;
        };
        let (user_id, user_name) = (user.as_str(), &**partner_set.name());
        if let Some(told) = (UserOnline { user_id, user_name }).told() {
            hub.tell_user_volatile(listener, &told);
        }
    }

    /// Forgets `user`, who is offline now, and tells their partners.
    pub(super) fn tell_offline(&mut self, hub: &Hub, user: &UserId) {
        let Some(partner_set) = self.circles.remove(user) else { return };
        let Some(told) = (UserOffline { user_id: user.as_str() }).told() else { return };
        for partner in
            partner_set.partners().iter().filter(|partner| self.register.is_online(partner))
        {
            hub.tell_user_volatile(partner, &told);
        }
    }

    /// Tells a session of `user` which of their partners are online.
    pub(super) fn tell_snapshot(&self, hub: &Hub, user: &UserId, session: SessionKey) {
        let Some(partner_set) = self.circles.get(user) else { return };
        let online =
            partner_set.partners().iter().filter(|partner| self.register.is_online(partner));
        let online = online.map(|partner| OnlinePerson { user_id: partner.as_str() }).collect();
        if let Some(told) = (PresenceSnapshot { online }).told() {
            hub.tell_session(session, &told);
        }
    }

    /// Makes `partner` one of those that `user` hears of, and tells whether they are online.
    pub(super) fn partners_added(
        &mut self,
        hub: &Hub,
        user: &UserId,
        partner: &UserId,
        partners_max: usize,
    ) {
        let partner_set = self.circles.get_mut(user);
        if partner_set.is_some_and(|partner_set| partner_set.add(partner, partners_max)) {
            self.tell_online_to(hub, user, partner);
        }
    }
}
