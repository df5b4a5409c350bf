//! Mail that is read with the keys of its senders at hand.

use restitch_connect::{Connector, PullError, Reading, Sink};
use restitch_model::{Evidence, Progress, TimeWindow};

use crate::keys::Keys;
use crate::read::read_message_with;

/// Mail from anywhere, with keys by which the signatures of its senders are checked.
pub struct KeyedMail {
    /// Where the mail comes from.
    pub mail: Box<dyn Connector>,
    /// The keys.
    pub keys: Keys,
}

impl Connector for KeyedMail {
    fn kinds(&self) -> &'static [&'static str] {
        self.mail.kinds()
    }

    fn pull(
        &self,
        window: Option<TimeWindow>,
        sink: &mut dyn Sink,
        progress: &dyn Progress,
    ) -> Result<(), PullError> {
        self.mail.pull(window, sink, progress)
    }

    fn read(&self, evidence: &Evidence) -> Reading {
        read_message_with(&evidence.bytes, &self.keys)
    }

    fn reads_by(&self) -> String {
        format!("{} {:?}", self.mail.reads_by(), self.keys)
    }
}
