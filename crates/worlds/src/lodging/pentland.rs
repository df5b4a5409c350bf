//! Pentland Guest House, Edinburgh: texts as short as on a telephone, no booking code in them
//! nor in the payments, the first night ahead, zoned times without rules.

use super::profile::{
    Addon, Ahead, Board, Code, Diary, Doors, Each, EventTimes, House, Kind, Letter, Letters, Plan,
    StripeStyle, Till, Tongue,
};
use crate::message::Encoding;

pub(super) const PENTLAND: House = House {
    name: "Pentland Guest House",
    slug: "pentland",
    email: "moira@pentland-guesthouse.example",
    zone: "Europe/London",
    currency: "GBP",
    tongue: Tongue::Scots,
    share: 22,
    kinds: &[
        Kind { code: "S", label: "Single", sleeps: 1, base: 6_500 },
        Kind { code: "D", label: "Double", sleeps: 2, base: 9_500 },
        Kind { code: "T", label: "Twin", sleeps: 2, base: 9_200 },
        Kind { code: "F", label: "Family", sleeps: 4, base: 12_800 },
    ],
    doors: Doors::Numbered(1),
    boards: &[Board { code: "BB", label: "full Scottish breakfast", price: 0, weight: 1 }],
    addons: &[
        Addon { sku: "DOG", label: "Dog", price: 1_000, each: Each::Stay },
        Addon { sku: "PACK", label: "Packed lunch", price: 850, each: Each::Person },
    ],
    tax: 0,
    code: Code::Random,
    plan: Plan { ahead: Ahead::FirstNight, rest_on_arrival: true, free_days: 3, late_percent: 0 },
    till: Till::Stripe(StripeStyle {
        account: "acct_1PdGh2QwXe6TrYbN",
        customers: false,
        intents: false,
        sessions: false,
        description: "{family}, room {door}, {from_short} - {to_short}",
        terminal: "",
        metadata: &[],
        other_means: None,
    }),
    diary: Diary {
        name: "Pentland rooms",
        product: "-//Innkeeper Diary//2.0//EN",
        times: EventTimes::ZoneByName,
        uid: "{uuid}",
        summary: "Rm {door} {name} x{persons}",
        description: "{mobile}\n{total}\n?request {request}\nhttps://diary.innkeeper.example/b/{code}",
        location: "",
        stamps: true,
    },
    letters: Letters {
        by_text_message: true,
        encoding: Encoding::EightBit,
        item: "",
        maildir: false,
        confirm: &[
            Letter {
                since: 0,
                subject: "Pentland GH",
                text: "Hi {given}, rm {door} booked {from_short} to {to_short}, {total} inc bkfst. {deposit_text}Moira, Pentland GH 0131 496 0777\n",
                html: "",
            },
            Letter {
                // 2025-11-01
                since: 1_761_955_200,
                subject: "Pentland GH",
                text: "Pentland GH: {name}, {kind} rm {door}, in {from} out {to} ({nights}n), {persons} guests. {total} all in. {deposit_text}{eta_text}Plans change? Text us by 3 days before.\n",
                html: "",
            },
        ],
        change: &[Letter {
            since: 0,
            subject: "Pentland GH",
            text: "Pentland GH: changed for you, {name}: now rm {door}, in {from} out {to} ({nights}n), {total} all in. Was {old_from_short} to {old_to_short}.\n",
            html: "",
        }],
        cancel: &[Letter {
            since: 0,
            subject: "Pentland GH",
            text: "Pentland GH: {name}, rm {door} in {from} is cancelled. {refund_text}Haste ye back!\n",
            html: "",
        }],
        reminder: &[Letter {
            since: 0,
            subject: "Pentland GH",
            text: "Pentland GH: see you tomorrow {given}! Rm {door}, check in from 3pm. {balance_text}Key safe by the blue door if late.\n",
            html: "",
        }],
        bill: &[],
        news: &[Letter {
            since: 0,
            subject: "Pentland GH",
            text: "Pentland GH: winter deal! 3 nights for £180 to {from_short}. Text STOP to opt out.\n",
            html: "",
        }],
    },
};
