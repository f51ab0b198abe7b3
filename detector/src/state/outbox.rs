//! What the state has to tell.

use crate::news::{News, NewsKind, NewsKinds};

/// What the state has to tell, and what of it anybody wants to hear.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pub(crate) items: Vec<News>,
    wanted: NewsKinds,
}

impl Outbox {
    pub(crate) fn new(wanted: NewsKinds) -> Self {
        Outbox {
            items: Vec::new(),
            wanted,
        }
    }

    #[inline]
    pub(crate) fn wants(&self, kind: NewsKind) -> bool {
        self.wanted.has(kind)
    }

    /// Keeps the news, if anybody subscribes to its kind.
    #[inline]
    pub(crate) fn tell(&mut self, news: News) {
        if self.wanted.has(news.kind()) {
            self.items.push(news);
        }
    }
}
