//! Brisa Rent a Car, Málaga: Spanish in ISO-8859-1, the class of car only, reminders, and
//! charges that name the booking in their description alone.

use super::profile::{
    CalendarStyle, EventTimes, Language, Letter, Letters, PaymentPlan, Profile, Reference, Store,
    StripeStyle,
};
use crate::message::Encoding;

pub(super) const BRISA: Profile = Profile {
    name: "Brisa Rent a Car S.L.",
    slug: "brisa-rentacar",
    email: "reservas@brisa-rentacar.example",
    zone: "Europe/Madrid",
    currency: "EUR",
    language: Language::Spanish,
    share: 16,
    locations: &[
        ("AGP", "Aeropuerto de Málaga", "Av. del Comandante García Morato s/n, 29004 Málaga"),
        ("MMZ", "Málaga María Zambrano", "Explanada de la Estación 4, 29002 Málaga"),
    ],
    reference: Reference::MonthAndCount("SA"),
    payment: PaymentPlan::DepositPercent(30),
    stripe: StripeStyle {
        account: "acct_1KbRi5AMaLaGa8Xp",
        csv_only: false,
        intents: false,
        customers: false,
        description: "Reserva {ref}",
        metadata: &[],
        statement: "BRISA RENTACAR",
        country: "ES",
    },
    calendar: CalendarStyle {
        name: "Brisa reservas",
        product: "-//Brisa//Agenda//ES",
        times: EventTimes::ZoneByName,
        uid: "{uid_code}@agenda.brisa-rentacar.example",
        summary: "{name} ({ref})",
        description: "Matrícula {plate} ({car})\nTel. {phone}\nEntrega: {return_place}",
        location: "{pickup_place}",
        stamps: true,
    },
    letters: Letters {
        encoding: Encoding::LatinQuoted,
        store: Store::Archive,
        confirm: &[
            Letter {
                since: 0,
                subject: "Confirmación de reserva {ref}",
                text: "Estimado/a {name}:

Le confirmamos su reserva {ref}.

Recogida: {pickup} - {pickup_place}
Devolución: {return} - {return_place}
Categoría: {class_es}
Importe total: {total}
Señal: {deposit}
Teléfono de contacto: {phone}
?notes Observaciones: {notes}

Gracias por confiar en nosotros.
Brisa Rent a Car
",
                html: "",
            },
            Letter {
                // 2025-11-03
                since: 1_762_128_000,
                subject: "Reserva {ref} confirmada - Brisa Rent a Car",
                text: "Hola {first}:

¡Tu reserva está confirmada! Localizador: {ref}

  * Titular: {name}
  * Recogida: {pickup}, {pickup_place}
  * Devolución: {return}, {return_place}
  * Coche: categoría {class_es}, {days} días
  * Total: {total} (señal {deposit})

¿Dudas? Llámanos al 952 555 014.
Brisa Rent a Car
",
                html: "",
            },
        ],
        change: &[Letter {
            since: 0,
            subject: "Reserva {ref} modificada - Brisa Rent a Car",
            text: "Hola {first}:

Hemos modificado tu reserva {ref}.

  * Recogida: {pickup}, {pickup_place}
  * Devolución: {return}, {return_place}
  * Total: {total}

Brisa Rent a Car
",
            html: "",
        }],
        cancel: &[Letter {
            since: 0,
            subject: "Reserva {ref} anulada",
            text: "Hola {first}:

Tu reserva {ref} ha sido anulada.
?refund Te devolvemos {refund} a la tarjeta.

Brisa Rent a Car
",
            html: "",
        }],
        reminder: &[Letter {
            since: 0,
            subject: "Mañana recoges tu coche ({ref})",
            text: "Hola {first}:

te esperamos el {pickup} en {pickup_place}. Recuerda traer el carné de
conducir y la tarjeta. Pendiente de pago: {balance}

Brisa Rent a Car
",
            html: "",
        }],
        receipt: &[],
        news: &[Letter {
            since: 0,
            subject: "Escápate a la sierra: 3 días por 79 euros",
            text: "Hola {first}:

reserva antes del {pickup_day} y conduce tres días por 79,00 euros.

Para darte de baja responde BAJA.
",
            html: "",
        }],
    },
};
