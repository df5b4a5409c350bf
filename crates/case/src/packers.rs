use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use restitch_model::EvidenceId;

use crate::segment;

/// Packs items on all cores. They come out in the order in which they went in, so that the same
/// pull writes the same bytes whatever the machine.
pub(crate) struct Packers {
    /// Dropping it ends the threads.
    jobs: Sender<Job>,
    done: Receiver<(u64, io::Result<Packed>)>,
    /// Those that are done before an earlier one.
    early: BTreeMap<u64, io::Result<Packed>>,
    pushed: u64,
    popped: u64,
    bytes: usize,
}

struct Job {
    number: u64,
    id: EvidenceId,
    bytes: Vec<u8>,
}

/// An item that is packed.
pub(crate) struct Packed {
    /// Its name.
    pub(crate) id: EvidenceId,
    /// How many bytes it had.
    pub(crate) bytes: usize,
    /// What is kept of it.
    pub(crate) payload: Vec<u8>,
}

impl Packers {
    /// As many as the machine has cores.
    pub(crate) fn new() -> io::Result<Self> {
        let (jobs, waiting) = channel::<Job>();
        let (send, done) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            let mut packer = segment::packer()?;
            let (waiting, send) = (Arc::clone(&waiting), send.clone());
            let next = move || waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let pack = move || {
                while let Ok(Job { number, id, bytes }) = next() {
                    let payload = segment::pack(&mut packer, &bytes);
                    let packed = payload.map(|payload| Packed { id, bytes: bytes.len(), payload });
                    if send.send((number, packed)).is_err() {
                        break;
                    }
                }
            };
            thread::Builder::new().name("pack".to_owned()).spawn(pack)?;
        }
        Ok(Self { jobs, done, early: BTreeMap::new(), pushed: 0, popped: 0, bytes: 0 })
    }

    /// How many bytes are in their hands, before packing.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Gives them an item.
    pub(crate) fn push(&mut self, id: EvidenceId, bytes: Vec<u8>) -> io::Result<()> {
        self.bytes += bytes.len();
        let job = Job { number: self.pushed, id, bytes };
        self.pushed += 1;
        self.jobs.send(job).map_err(|_| ended())
    }

    /// The next that is packed, where that is so already.
    pub(crate) fn ready(&mut self) -> Option<io::Result<Packed>> {
        loop {
            match self.done.try_recv() {
                Ok((number, packed)) => self.early.insert(number, packed),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return self.next(),
            };
        }
    }

    /// The next, waited for; `None` where all have come out.
    pub(crate) fn pop(&mut self) -> Option<io::Result<Packed>> {
        while self.popped < self.pushed {
            if let Some(packed) = self.next() {
                return Some(packed);
            }
            match self.done.recv() {
                Ok((number, packed)) => self.early.insert(number, packed),
                Err(_) => return Some(Err(ended())),
            };
        }
        None
    }

    fn next(&mut self) -> Option<io::Result<Packed>> {
        let packed = self.early.remove(&self.popped)?;
        self.popped += 1;
        self.bytes -= packed.as_ref().map_or(0, |packed| packed.bytes);
        Some(packed)
    }
}

fn ended() -> io::Error {
    io::Error::other("a thread that packs evidence ended")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_in_the_same_order() {
        let mut packers = Packers::new().unwrap();
        let items: Vec<Vec<u8>> =
            (0..500).map(|n: usize| vec![n as u8; (n * 7919) % 5000]).collect();
        let mut out = Vec::new();
        for item in &items {
            packers.push(EvidenceId::of(item), item.clone()).unwrap();
            out.extend(packers.ready());
        }
        out.extend(std::iter::from_fn(|| packers.pop()));
        let unpacked = |packed: io::Result<Packed>| {
            let packed = packed.unwrap();
            segment::unpack(&packed.payload, packed.bytes as u64).unwrap()
        };
        assert_eq!(out.into_iter().map(unpacked).collect::<Vec<_>>(), items);
        assert_eq!(packers.bytes(), 0);
    }
}
