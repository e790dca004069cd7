//! Faults that a test plants into a stand-in.

/// What goes wrong with one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done; the answer has this status, and `Retry-After` where given.
    Refuse {
        /// The status.
        status: u16,
        /// Seconds or an HTTP date, as the header has it.
        retry_after: Option<&'static str>,
    },
    /// The work is done, the answer is 500.
    FailAfterwards,
    /// Nothing is done, and no answer ever comes.
    Stall,
    /// The work is done, and no answer ever comes.
    StallAfterwards,
    /// Nothing is done; the connection closes.
    CloseBefore,
    /// The work is done; the connection closes without an answer.
    CloseAfterwards,
    /// Nothing is done; the answer is an HTML page with status 200, as a proxy in between gives.
    Page,
    /// The work is done; the answer's text ends in the middle, and says that this is all.
    Truncate,
    /// The work is done; the connection closes in the middle of the answer's body.
    Cut,
    /// The work is done; the answer is 100 MB of valid JSON.
    Flood,
    /// Nothing is done; the answer sends the client to another URL, with status 307.
    Redirect(String),
}

impl Fault {
    /// Returns whether the request is carried out all the same.
    pub fn does_the_work(&self) -> bool {
        match self {
            Fault::FailAfterwards
            | Fault::StallAfterwards
            | Fault::CloseAfterwards
            | Fault::Truncate
            | Fault::Cut
            | Fault::Flood => true,
            Fault::Refuse { .. } | Fault::Stall | Fault::CloseBefore | Fault::Page | Fault::Redirect(_) => false,
        }
    }
}

/// Which request a fault hits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum On {
    /// The next one.
    Next,
    /// The next one after that many others.
    After(usize),
    /// The next one of a method.
    Method(&'static str),
    /// Every one of a method, until the faults are cleared.
    EveryMethod(&'static str),
    /// Every one, until the faults are cleared.
    Every,
}

/// The faults that wait for their request, in the order they were planted.
#[derive(Debug, Default)]
pub struct Planted(Vec<(On, Fault)>);

impl Planted {
    /// Adds a fault.
    pub fn plant(&mut self, on: On, fault: Fault) {
        self.0.push((on, fault));
    }

    /// Returns how many faults wait, those that hit every request included.
    pub fn waiting(&self) -> usize {
        self.0.len()
    }

    /// Takes all faults away.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns the fault of a request that has come: of several that fit the one planted first. All that wait for
    /// later requests come one nearer.
    pub fn hit(&mut self, method: &str) -> Option<Fault> {
        let fits = |on: &On| match on {
            On::Next | On::Every | On::After(0) => true,
            On::After(_) => false,
            On::Method(wanted) | On::EveryMethod(wanted) => *wanted == method,
        };
        let found = self.0.iter().position(|(on, _)| fits(on));
        let fault = found.map(|at| match &self.0[at] {
            (On::Every | On::EveryMethod(_), fault) => fault.clone(),
            _ => self.0.remove(at).1,
        });
        for (on, _) in &mut self.0 {
            if let On::After(others) = on {
                *others = others.saturating_sub(1);
            }
        }
        fault
    }
}
