"""Words by what they do in a sentence, English and Spanish, for judging little words of names."""

from __future__ import annotations

from compliance.deidentify.vocabulary import word_set

PRONOUNS = word_set(
    "i you he she it we they me him us them who whom whose what which this that these those "
    "there here my your his her its our their mine yours one someone anyone everyone nobody "
    "yo ella el ellos nosotros"
)
CLITICS = word_set("te se nos lo le les la los las")
DETERMINERS = word_set(
    "the a an my your his her its our their this that these those any some no each every "
    "either all both which what whose another el la los las un una mi tu su sus mis nuestro "
    "nuestra este esta ese esa cada"
)
MODALS = word_set("will may can do might must would could should shall did does let")
ADVERBS = word_set(
    "first not never always also only just still probably likely possibly usually often soon now "
    "then ever even really surely hopefully certainly definitely most much again already "
    "perhaps either eventually gradually slowly quickly need well"
)
SPEECH = word_set(
    "ask asked asks tell told tells call called calls see saw seen with from by and signed "
    "thank thanks thanking love visit visited met meet dear hi hello name named phoned rang "
    "text texted emailed saluda"
)
FINITE_ENGLISH = word_set(
    "is was has had says said goes went drove took came gave told asked saw fell got knows "
    "knew wants wanted thinks thought feels felt makes made brought called calls comes takes "
    "lives lived works worked died slept ate drank ran walked arrived left helped brings "
    "gives gets keeps kept looks looked seems seemed sends sent drives needs needed tells "
    "asks wrote phoned cried smiled answered agreed complained visited started stopped does "
    "doesn didn hasn isn wasn won hurts"
)
_FINITE_SPANISH = word_set(
    "es era tiene tuvo dijo dice fue vino viene esta estaba quiere llamo toma tomo vive cayo llevo"
)
FINITE = FINITE_ENGLISH | _FINITE_SPANISH
BASE_VERBS = word_set(
    "speed study face be have do go come take get see feel need help make give start stop "
    "work cause lead let know think want say tell ask call try use find keep put bring happen "
    "become turn show hear play run move live believe hold write provide sit stand lose pay "
    "meet include continue set learn change understand watch follow create speak read allow "
    "add spend grow open walk win offer remember love consider appear buy wait serve die send "
    "expect build stay fall cut reach kill remain suggest raise pass sell require report "
    "decide pull return receive check increase decrease reduce improve worsen hurt affect "
    "treat heal recover develop occur last result prevent protect avoid lower rise bleed "
    "swell ache itch burn sting vomit cough sneeze breathe sleep rest eat drink swallow "
    "inject apply remove replace refer admit discharge discuss review monitor measure test "
    "scan examine order schedule cancel contact repeat resume begin end finish complete "
    "prescribe renew refill fill dose contain act depend vary differ range experience notice "
    "describe explain mean seem look sound smell taste touch press push lift carry drop pick "
    "close cover wash clean dry wear dress shower bathe drive ride fly travel exercise "
    "stretch relax worry cry laugh smile sign fit suit fail succeed manage control handle "
    "cope support care choose prefer like hate hope wish plan intend prepare arrange book "
    "save cost charge visit talk answer reply respond react form break tear crack bend twist "
    "shake tremble faint collapse spread shrink expand drain flow leak block clear fix repair "
    "insert place leave arrive enter exit join attend miss skip forget recall benefit harm "
    "damage injure infect weaken strengthen suffer tolerate undergo persist subside resolve "
    "disappear interact interfere mix combine crush split chew store throw mimic resemble "
    "reveal indicate confirm rule exclude diagnose detect identify screen assess evaluate "
    "advise recommend encourage warn inform notify update record document share ensure "
    "maintain achieve limit restrict delay trigger produce release absorb bind wake nap hand "
    "pop gain weigh count number reappear recur relieve ease soothe calm numb agree accept "
    "refuse decline consent fade progress permit perform survive exist assist arise enable "
    "enlarge extend induce inhibit initiate inflame impair involve obtain perceive precede "
    "promote propose pursue qualify rely represent retain select separate signal slow "
    "stabilise stabilize stimulate strike struggle supply surround suspect swap switch sweat "
    "tend terminate thicken thin threaten tighten tingle transfer transmit transport "
    "undertake urinate vanish view volunteer wander warrant wheeze widen wonder wrap yield "
    "alter amount apologise assume attach attempt attract bother bruise bulge catch cease "
    "challenge chat cluster collect comfort communicate compare compete complain concentrate "
    "conclude conduct connect constipate consult consume cool correct crave cure deal deliver "
    "demand deny deposit destroy digest dilate discover dissolve divide double elevate "
    "eliminate emerge empty engage enjoy escape establish estimate exceed excrete exert "
    "expose feed fight float flush force function gather generate grind grip guide harden "
    "hide hit imagine impact imply impose interrupt investigate invite irritate isolate jump "
    "justify kick kneel label lack lay lean lie lighten link listen loosen manifest match "
    "melt migrate mind modify mount multiply narrow occupy operate oppose originate overcome "
    "overlap own pause peel plateau plug point pose position possess pray predispose present "
    "preserve prick process proceed project prompt prove provoke puncture quit radiate rate "
    "realise realize rebuild recognise recognize reflect regain register regulate reject "
    "relate relapse replicate reserve resist restore retest reverse rinse rotate rub rupture "
    "sample satisfy scratch seal search secrete sense settle shed shift shorten simplify soak "
    "soften specify spill spit spot squeeze stiffen stick strain strip subject substitute "
    "suck sum supplement suppress swing taper target teach tease terrify thank thrive tie "
    "tire trace train trap trouble trust tune unite upset utilise utilize validate vote warm "
    "waste wipe withdraw"
)
FUNCTION = (
    PRONOUNS
    | CLITICS
    | DETERMINERS
    | word_set(
        "in on at to by up of off or and but if for as is are am was were be been so than then "
        "too with from into out over under not yes no y o u de del al en con sin por para que si "
        "tu ya a e"
    )
)
QUANTIFIERS = word_set("much many more most few little less mas")
CLOSED = FUNCTION | MODALS | QUANTIFIERS | word_set("an so long son van")
"""Words of names that context decides; every other word of a name is masked where it stands.

"son" and "van" are here because they are verbs in Spanish."""
ABBREVIATED = word_set(
    "ed pt ct ms or iv mr bp er md rn pa np ot hr rr bm gi gu im sc id po mi hf af dm tb uti"
)
"""Two-letter abbreviations of notes: in capitals they are not a short name."""
UNITS = word_set("ng mg kg ml dl cm mm km oz lb mi mo yo wk hr li lu mu iu")
