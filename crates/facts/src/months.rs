//! The names of months and weekdays in English, German, French, Spanish, Italian, Dutch,
//! Portuguese, Swedish, Danish, Norwegian, Polish and Czech, full and abbreviated, without case and accents.

/// The month of a name: 1 for January.
pub(crate) fn month(name: &str) -> Option<u32> {
    Some(match name {
        "january" | "januar" | "janner" | "jaenner" | "janvier" | "enero" | "gennaio"
        | "januari" | "janeiro" | "stycznia" | "styczen" | "ledna" | "leden" | "jan" | "janv"
        | "ene" | "gen" => 1,
        "february" | "februar" | "feber" | "fevrier" | "febrero" | "febbraio" | "februari"
        | "fevereiro" | "lutego" | "luty" | "unora" | "unor" | "feb" | "febr" | "fev" | "fevr" => 2,
        "march" | "marz" | "maerz" | "mars" | "marzo" | "maart" | "marco" | "marca" | "marzec"
        | "marts" | "brezna" | "brezen" | "mar" | "mrz" | "mrt" => 3,
        "april" | "avril" | "abril" | "aprile" | "kwietnia" | "kwiecien" | "dubna" | "duben"
        | "apr" | "avr" | "abr" => 4,
        "may" | "mai" | "mayo" | "maggio" | "mei" | "maio" | "maja" | "maj" | "kvetna"
        | "kveten" | "mag" => 5,
        "june" | "juni" | "juin" | "junio" | "giugno" | "junho" | "czerwca" | "czerwiec"
        | "cervna" | "cerven" | "jun" | "giu" => 6,
        "july" | "juli" | "juillet" | "julio" | "luglio" | "julho" | "lipca" | "lipiec"
        | "cervence" | "cervenec" | "jul" | "juil" | "lug" => 7,
        "august" | "aout" | "agosto" | "augustus" | "augusti" | "sierpnia" | "sierpien"
        | "srpna" | "srpen" | "aug" | "ago" | "agos" => 8,
        "september" | "septembre" | "septiembre" | "setiembre" | "settembre" | "setembro"
        | "wrzesnia" | "wrzesien" | "zari" | "sep" | "sept" | "set" | "sett" => 9,
        "october" | "oktober" | "octobre" | "octubre" | "ottobre" | "outubro" | "pazdziernika"
        | "pazdziernik" | "rijna" | "rijen" | "oct" | "okt" | "ott" | "out" => 10,
        "november" | "novembre" | "noviembre" | "novembro" | "listopada" | "listopadu" | "nov" => {
            11
        }
        "december" | "dezember" | "decembre" | "diciembre" | "dicembre" | "dezembro"
        | "grudnia" | "grudzien" | "prosince" | "prosinec" | "dec" | "dez" | "dic" => 12,
        _ => return None,
    })
}

/// Whether the name of a month is also an ordinary word, so that a number beside it is not
/// enough to make a date.
pub(crate) fn is_doubtful(name: &str) -> bool {
    matches!(name, "may" | "march" | "mar" | "marco" | "mag" | "gen" | "ago" | "set" | "out")
}

/// Whether a word of a text is the name of a month or weekday: it changes with the date and
/// belongs to no template. What is an ordinary word too counts where it is capitalised.
pub fn is_calendar_word(word: &str) -> bool {
    let name = crate::words::fold(word);
    let is_capital = word.chars().next().is_some_and(char::is_uppercase);
    (month(&name).is_some() && (is_capital || !is_doubtful(&name)))
        || (name.chars().count() >= 5 && weekdays(&name) != 0)
}

/// The weekdays that a name may mean, as bits: 1 for Monday to 64 for Sunday. Two letters
/// can mean one day in German and another in French.
pub(crate) fn weekdays(name: &str) -> u8 {
    const MON: u8 = 1;
    const TUE: u8 = 2;
    const WED: u8 = 4;
    const THU: u8 = 8;
    const FRI: u8 = 16;
    const SAT: u8 = 32;
    const SUN: u8 = 64;
    match name {
        "monday" | "montag" | "lundi" | "lunes" | "lunedi" | "maandag" | "segunda" | "mandag"
        | "poniedzialek" | "pondeli" | "mon" | "mo" | "lun" | "lu" | "seg" => MON,
        "tuesday" | "dienstag" | "mardi" | "martes" | "martedi" | "dinsdag" | "terca"
        | "tirsdag" | "tisdag" | "wtorek" | "utery" | "tue" | "tues" | "mar" | "ter" => TUE,
        "wednesday" | "mittwoch" | "mercredi" | "miercoles" | "mercoledi" | "woensdag"
        | "quarta" | "onsdag" | "sroda" | "streda" | "wed" | "mi" | "mer" | "mie" | "wo"
        | "qua" => WED,
        "thursday" | "donnerstag" | "jeudi" | "jueves" | "giovedi" | "donderdag" | "quinta"
        | "torsdag" | "czwartek" | "ctvrtek" | "thu" | "thur" | "thurs" | "do" | "jeu" | "jue"
        | "gio" | "qui" => THU,
        "friday" | "freitag" | "vendredi" | "viernes" | "venerdi" | "vrijdag" | "sexta"
        | "fredag" | "piatek" | "patek" | "fri" | "fr" | "ven" | "vie" | "vr" | "sex" => FRI,
        "saturday" | "samstag" | "sonnabend" | "samedi" | "sabado" | "sabato" | "zaterdag"
        | "lordag" | "sobota" | "sat" | "sa" | "sam" | "sab" | "za" => SAT,
        "sunday" | "sonntag" | "dimanche" | "domingo" | "domenica" | "zondag" | "sondag"
        | "niedziela" | "nedele" | "sun" | "so" | "dim" | "dom" | "zo" => SUN,
        "di" => TUE | SUN,
        "ma" => MON | TUE,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_its_twelve_months() {
        for list in [
            "january february march april may june july august september october november december",
            "januar februar marz april mai juni juli august september oktober november dezember",
            "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
            "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
            "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
            "januari februari maart april mei juni juli augustus september oktober november december",
            "janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro",
            "januari februari mars april maj juni juli augusti september oktober november december",
            "januar februar marts april maj juni juli august september oktober november december",
            "stycznia lutego marca kwietnia maja czerwca lipca sierpnia wrzesnia pazdziernika listopada grudnia",
            "ledna unora brezna dubna kvetna cervna cervence srpna zari rijna listopadu prosince",
        ] {
            let months: Vec<_> = list.split(' ').filter_map(month).collect();
            assert_eq!(months, (1..=12).collect::<Vec<_>>(), "{list}");
        }
    }

    #[test]
    fn every_language_has_its_seven_days() {
        for list in [
            "monday tuesday wednesday thursday friday saturday sunday",
            "montag dienstag mittwoch donnerstag freitag samstag sonntag",
            "lundi mardi mercredi jeudi vendredi samedi dimanche",
            "lunes martes miercoles jueves viernes sabado domingo",
            "lunedi martedi mercoledi giovedi venerdi sabato domenica",
            "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",
            "segunda terca quarta quinta sexta sabado domingo",
            "mandag tisdag onsdag torsdag fredag lordag sondag",
            "poniedzialek wtorek sroda czwartek piatek sobota niedziela",
            "pondeli utery streda ctvrtek patek sobota nedele",
        ] {
            let days: Vec<_> = list.split(' ').map(weekdays).collect();
            assert_eq!(days, [1, 2, 4, 8, 16, 32, 64], "{list}");
        }
    }
}
