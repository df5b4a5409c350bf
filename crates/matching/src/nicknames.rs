use std::collections::BTreeMap;
use std::sync::OnceLock;

/// First names that stand for each other, folded. A name may be in several groups. Common
/// short and pet forms of English, German, Spanish and French; the languages of one person's
/// name (John, Jean, Juan) are not mixed, for those are different people.
const GROUPS: &[&[&str]] = &[
    // English
    &["abigail", "abby", "gail"],
    &["alexander", "alex", "al", "sandy", "xander", "lex"],
    &["alexandra", "alex", "sandra", "sandy", "lexi"],
    &["alfred", "alf", "alfie", "fred"],
    &["amanda", "mandy"],
    &["andrew", "andy", "drew"],
    &["anthony", "tony", "ant"],
    &["arthur", "art", "artie"],
    &["barbara", "barb", "babs", "barbie"],
    &["benjamin", "ben", "benny", "benji"],
    &["catherine", "katherine", "kathryn", "cathy", "kathy", "kate", "katie", "kat", "kitty"],
    &["charles", "charlie", "chuck", "chas"],
    &["charlotte", "charlie", "lottie"],
    &["christine", "christina", "chris", "chrissy", "tina"],
    &["christopher", "chris", "kit", "topher"],
    &["cynthia", "cindy"],
    &["daniel", "dan", "danny"],
    &["david", "dave", "davy"],
    &["deborah", "debra", "deb", "debbie"],
    &["dorothy", "dot", "dottie", "dolly"],
    &["edward", "ed", "eddie", "ted", "teddy", "ned"],
    &["eleanor", "ellie", "nell", "nora"],
    &["elizabeth", "elisabeth", "liz", "lizzie", "beth", "betty", "betsy", "eliza", "lisa", "bess"],
    &["emily", "em", "emmy"],
    &["emma", "em", "emmy"],
    &["frances", "fran", "fanny", "frankie"],
    &["francis", "frank", "frankie"],
    &["frederick", "fred", "freddie", "freddy"],
    &["gabriel", "gabe"],
    &["geoffrey", "jeffrey", "geoff", "jeff"],
    &["gerald", "gerry", "jerry"],
    &["gregory", "greg"],
    &["harold", "harry", "hal"],
    &["henry", "harry", "hank", "hal"],
    &["isabella", "isabel", "isabelle", "bella", "izzy", "belle"],
    &["jacob", "jake"],
    &["james", "jim", "jimmy", "jamie"],
    &["janet", "jan"],
    &["jennifer", "jen", "jenny", "jenn"],
    &["jessica", "jess", "jessie"],
    &["john", "jack", "johnny", "jon"],
    &["jonathan", "jon", "jonny", "nathan"],
    &["joseph", "joe", "joey"],
    &["joshua", "josh"],
    &["judith", "judy", "jude"],
    &["kenneth", "ken", "kenny"],
    &["kimberly", "kim"],
    &["lawrence", "laurence", "larry", "laurie"],
    &["leonard", "len", "lenny", "leo"],
    &["louis", "lewis", "lou", "louie"],
    &["madeleine", "madeline", "maddie", "maddy"],
    &["margaret", "maggie", "meg", "peggy", "peg", "marge", "margie", "greta", "daisy"],
    &["martha", "mattie", "patty"],
    &["mary", "molly", "polly", "mamie"],
    &["matthew", "matt", "matty"],
    &["michael", "mike", "mick", "micky", "mickey"],
    &["nancy", "ann", "nan"],
    &["nathaniel", "nathan", "nat", "nate"],
    &["nicholas", "nick", "nicky", "nico"],
    &["olivia", "liv", "livvy"],
    &["pamela", "pam"],
    &["patricia", "pat", "patty", "patsy", "tricia", "trish"],
    &["patrick", "pat", "paddy"],
    &["peter", "pete"],
    &["philip", "phillip", "phil", "pip"],
    &["raymond", "ray"],
    &["rebecca", "becky", "becca"],
    &["richard", "dick", "rick", "ricky", "rich", "richie"],
    &["robert", "bob", "bobby", "rob", "robbie", "bert", "robin"],
    &["ronald", "ron", "ronnie"],
    &["rose", "rosie", "rosa"],
    &["samantha", "sam", "sammy"],
    &["samuel", "sam", "sammy"],
    &["sarah", "sara", "sally", "sadie"],
    &["stephanie", "steph", "steffi"],
    &["stephen", "steven", "steve", "stevie"],
    &["susan", "suzanne", "sue", "susie", "suzie"],
    &["theodore", "ted", "teddy", "theo"],
    &["theresa", "teresa", "terry", "tess", "tessa", "tracy"],
    &["thomas", "tom", "tommy"],
    &["timothy", "tim", "timmy"],
    &["victoria", "vicky", "vicki", "tori"],
    &["vincent", "vince", "vinny"],
    &["virginia", "ginny", "ginger"],
    &["walter", "walt", "wally"],
    &["william", "will", "bill", "billy", "willy", "willie", "liam"],
    &["zachary", "zach", "zack", "zac"],
    // German
    &["andreas", "andi", "andy"],
    &["anneliese", "anne", "liesl"],
    &["benjamin", "benni"],
    &["bernhard", "bernd", "berni"],
    &["christian", "chris", "christ"],
    &["christoph", "chris", "stoffel"],
    &["elisabeth", "elise", "lisa", "liesl", "sissi", "lisbeth", "else", "elsa"],
    &["eva", "evi"],
    &["ferdinand", "ferdl", "ferdi"],
    &["franziska", "franzi", "fanny"],
    &["franz", "franzl"],
    &["friedrich", "fritz", "fred", "frieder"],
    &["georg", "schorsch", "jorg"],
    &["gertrud", "trude", "gerti"],
    &["gunther", "gunter"],
    &["hans", "johann", "johannes", "hannes", "hansi"],
    &["heinrich", "heinz", "heiner", "heini"],
    &["helene", "lena", "leni"],
    &["jakob", "jockel", "kob"],
    &["joachim", "jochen", "achim", "jo"],
    &["josef", "joseph", "sepp", "jupp", "beppo"],
    &["karl", "carl", "karli"],
    &["katharina", "kathi", "katja", "kathrin", "katrin", "kati", "nina", "trine"],
    &["klaus", "claus", "nikolaus", "niko", "niklas"],
    &["konrad", "kurt", "conny"],
    &["ludwig", "lutz", "wiggerl"],
    &["magdalena", "lena", "leni", "magda"],
    &["manfred", "manni", "fred"],
    &["margarete", "margarethe", "grete", "gretel", "greta", "rita", "marga"],
    &["maria", "mia", "mitzi", "marie", "ria"],
    &["matthias", "mathias", "matze", "hias"],
    &["maximilian", "max", "maxi"],
    &["michael", "michi", "michel"],
    &["reinhard", "reinhardt", "hardy"],
    &["rudolf", "rudi", "rolf"],
    &["sebastian", "basti", "wastl"],
    &["siegfried", "sigi", "siggi"],
    &["stefan", "stephan", "steffen", "steff"],
    &["susanne", "susi", "sanne"],
    &["therese", "theresia", "resi"],
    &["thomas", "tommi"],
    &["tobias", "tobi"],
    &["ulrich", "uli", "ulli", "utz"],
    &["ulrike", "uli", "ulli", "rike"],
    &["waltraud", "traudl", "traude"],
    &["werner", "wernher"],
    &["wilhelm", "willi", "willy", "helmut"],
    &["wolfgang", "wolf", "wolfi"],
    // Spanish
    &["alejandro", "alex", "jandro", "ale"],
    &["alejandra", "ale", "jandra"],
    &["antonio", "tono", "toni", "antonito"],
    &["beatriz", "bea", "betty"],
    &["carmen", "carmela", "menchu", "carmencita"],
    &["concepcion", "concha", "conchita"],
    &["consuelo", "chelo"],
    &["cristina", "cris", "tina"],
    &["dolores", "lola", "loli", "lolita"],
    &["eduardo", "edu", "lalo"],
    &["enrique", "quique", "kike"],
    &["federico", "fede"],
    &["fernando", "fer", "nando"],
    &["francisca", "paca", "paqui", "francis"],
    &["francisco", "paco", "pancho", "fran", "curro", "kiko", "frasco"],
    &["gabriela", "gaby", "gabi"],
    &["gregorio", "goyo"],
    &["guadalupe", "lupe", "lupita"],
    &["guillermo", "guille", "memo"],
    &["ignacio", "nacho"],
    &["isabel", "isa", "chabela"],
    &["jesus", "chus", "chucho", "suso"],
    &["jose", "pepe", "pepito", "chepe"],
    &["josefa", "pepa", "pepita", "fina"],
    &["juan", "juanito", "juanjo"],
    &["luis", "lucho", "luisito"],
    &["manuel", "manolo", "manu", "manolito"],
    &["manuela", "manoli", "manola"],
    &["margarita", "marga", "rita"],
    &["maria", "mari", "marita", "maruja"],
    &["mercedes", "merche", "meche"],
    &["miguel", "migue", "miguelito"],
    &["montserrat", "montse"],
    &["pablo", "pablito"],
    &["pedro", "perico"],
    &["pilar", "pili"],
    &["rafael", "rafa", "fael"],
    &["ramon", "moncho"],
    &["ricardo", "richi", "cayo"],
    &["roberto", "beto", "tito"],
    &["rosario", "charo", "chayo"],
    &["salvador", "salva", "chava"],
    &["santiago", "santi", "yago", "chago"],
    &["teresa", "tere", "maite"],
    &["vicente", "chente", "vicen"],
    // French
    &["alexandre", "alex", "alexis"],
    &["anne", "annie", "annette", "nanette"],
    &["antoine", "toine", "tony"],
    &["benoit", "ben"],
    &["bernadette", "nadette"],
    &["catherine", "cathy", "cath", "katou"],
    &["christophe", "chris", "tophe"],
    &["dominique", "dom", "domi"],
    &["emmanuel", "manu"],
    &["emmanuelle", "manu"],
    &["francoise", "fanchon", "soizic"],
    &["frederic", "fred"],
    &["frederique", "fred"],
    &["guillaume", "guy", "gui"],
    &["jacqueline", "jackie", "line"],
    &["jacques", "jacquot", "jacky"],
    &["jean", "jeannot", "yann"],
    &["jeanne", "jeannette", "jeannine"],
    &["joseph", "jojo", "zef"],
    &["laurent", "lolo"],
    &["louise", "louisette", "lison"],
    &["madeleine", "mado", "madelon"],
    &["marguerite", "margot", "guite"],
    &["marie", "manon", "marion", "mimi"],
    &["mathieu", "matthieu", "mat"],
    &["maximilien", "max", "maxime"],
    &["nicolas", "nico", "colin"],
    &["pierre", "pierrot", "perrin"],
    &["sebastien", "seb"],
    &["stephane", "steph"],
    &["therese", "thesou"],
    &["valerie", "val"],
    &["veronique", "vero"],
    &["vincent", "vinz"],
];

/// The groups that a folded first name is in, ascending. None for most names.
pub(crate) fn groups(name: &str) -> &'static [u16] {
    static INDEX: OnceLock<BTreeMap<&'static str, Vec<u16>>> = OnceLock::new();
    let index = INDEX.get_or_init(|| {
        let mut index: BTreeMap<_, Vec<u16>> = BTreeMap::new();
        for (group, names) in (0u16..).zip(GROUPS) {
            for name in *names {
                index.entry(*name).or_default().push(group);
            }
        }
        index
    });
    index.get(name).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: &str, b: &str) -> bool {
        groups(a).iter().any(|group| groups(b).contains(group))
    }

    #[test]
    fn pet_names_are_known_in_four_languages() {
        assert!(same("robert", "bob") && same("hans", "johannes"));
        assert!(same("francisco", "paco") && same("emmanuel", "manu"));
    }

    #[test]
    fn others_are_not() {
        assert!(!same("robert", "william") && groups("xyzzy").is_empty());
    }

    #[test]
    fn the_list_is_folded_and_no_name_stands_twice_in_a_group() {
        for names in GROUPS {
            let mut sorted = names.to_vec();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), names.len(), "{names:?}");
            assert!(names.iter().all(|name| crate::fold::fold(name) == *name), "{names:?}");
        }
    }
}
