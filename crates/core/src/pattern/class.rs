//! Sets of ASCII characters.

/// A set of ASCII characters, one bit for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Class(u128);

const LAST: u32 = 0x7f;
/// The characters beyond ASCII that are the same as one of ASCII where case does not count, and that one.
const FOLDED: [(u32, char); 2] = [(0x17f, 's'), (0x212a, 'k')];

const NAMED: [(&str, &str); 14] = [
    ("alnum", "09AZaz"),
    ("alpha", "AZaz"),
    ("ascii", "\0\x7f"),
    ("blank", "\t\t  "),
    ("cntrl", "\0\x1f\x7f\x7f"),
    ("digit", "09"),
    ("graph", "!~"),
    ("lower", "az"),
    ("print", " ~"),
    ("punct", "!/:@[`{~"),
    ("space", "\t\r  "),
    ("upper", "AZ"),
    ("word", "09AZaz__"),
    ("xdigit", "09AFaf"),
];

/// The categories of Unicode in which there are characters of ASCII.
const CATEGORIES: [(&str, &str); 21] = [
    ("Any", "\0\x7f"),
    ("C", "\0\x1f\x7f\x7f"),
    ("Cc", "\0\x1f\x7f\x7f"),
    ("L", "AZaz"),
    ("Ll", "az"),
    ("Lu", "AZ"),
    ("N", "09"),
    ("Nd", "09"),
    ("P", "!#%*,/:;?@[]__{{}}"),
    ("Pc", "__"),
    ("Pd", "--"),
    ("Pe", "))]]}}"),
    ("Po", "!#%'**,,./:;?@\\\\"),
    ("Ps", "(([[{{"),
    ("S", "$$++<>^^``||~~"),
    ("Sc", "$$"),
    ("Sk", "^^``"),
    ("Sm", "++<>||~~"),
    ("Z", "  "),
    ("Zs", "  "),
    ("Latin", "AZaz"),
];

/// Those, and the scripts, in which there are none.
const OTHERS: &str = "
    Cf Co Cs Lm Lo Lt M Mc Me Mn Nl No Pf Pi So Zl Zp
    Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali Bhaiksuki
    Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian Chakma Cham Cherokee
    Chorasmian Coptic Cuneiform Cypriot Cypro_Minoan Cyrillic Deseret Devanagari Dives_Akuru Dogra Duployan
    Egyptian_Hieroglyphs Elbasan Elymaic Ethiopic Georgian Glagolitic Gothic Grantha Greek Gujarati Gunjala_Gondi
    Gurmukhi Han Hangul Hanifi_Rohingya Hanunoo Hatran Hebrew Hiragana Imperial_Aramaic Inherited
    Inscriptional_Pahlavi Inscriptional_Parthian Javanese Kaithi Kannada Katakana Kawi Kayah_Li Kharoshthi
    Khitan_Small_Script Khmer Khojki Khudawadi Lao Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani
    Makasar Malayalam Mandaic Manichaean Marchen Masaram_Gondi Medefaidrin Meetei_Mayek Mende_Kikakui
    Meroitic_Cursive Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani Myanmar Nabataean Nag_Mundari Nandinagari
    New_Tai_Lue Newa Nko Nushu Nyiakeng_Puachue_Hmong Ogham Ol_Chiki Old_Hungarian Old_Italic Old_North_Arabian
    Old_Permic Old_Persian Old_Sogdian Old_South_Arabian Old_Turkic Old_Uyghur Oriya Osage Osmanya Pahawh_Hmong
    Palmyrene Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic Samaritan Saurashtra Sharada Shavian
    Siddham SignWriting Sinhala Sogdian Sora_Sompeng Soyombo Sundanese Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le
    Tai_Tham Tai_Viet Takri Tamil Tangsa Tangut Telugu Thaana Thai Tibetan Tifinagh Tirhuta Toto Ugaritic Vai
    Vithkuqi Wancho Warang_Citi Yezidi Yi Zanabazar_Square";

impl Class {
    pub(super) const NONE: Self = Self(0);
    pub(super) const ALL: Self = Self(u128::MAX);

    /// Returns the characters in ranges of which a text has the first and the last ones.
    fn of_pairs(pairs: &str) -> Self {
        let bytes = pairs.as_bytes();
        bytes.chunks_exact(2).fold(Self::NONE, |class, pair| class.or(Self::range(pair[0].into(), pair[1].into())))
    }

    /// Returns the characters of a range that are ASCII.
    pub(super) fn range(first: u32, last: u32) -> Self {
        (first..=last.min(LAST)).fold(Self::NONE, |Self(bits), at| Self(bits | 1 << at))
    }

    /// Returns the same where case does not count.
    pub(super) fn folded_range(first: u32, last: u32) -> Self {
        let beyond = FOLDED.iter().filter(|(beyond, _)| (first..=last).contains(beyond));
        let beyond = beyond.fold(Self::NONE, |class, (_, letter)| class.or(Self::of(*letter)));
        Self::range(first, last).or(beyond).folded()
    }

    pub(super) fn of(letter: char) -> Self {
        Self::range(letter.into(), letter.into())
    }

    /// Returns the class that `[:name:]` is.
    pub(super) fn named(name: &str) -> Option<Self> {
        NAMED.iter().find(|(known, _)| *known == name).map(|(_, pairs)| Self::of_pairs(pairs))
    }

    /// Returns the class that `\p{name}` is.
    pub(super) fn category(name: &str) -> Option<Self> {
        if let Some((_, pairs)) = CATEGORIES.iter().find(|(known, _)| *known == name) {
            return Some(Self::of_pairs(pairs));
        }
        let latin = || Self::of_pairs("AZaz");
        match name {
            "Common" => Some(latin().not()),
            _ => OTHERS.split_whitespace().any(|known| known == name).then_some(Self::NONE),
        }
    }

    /// Returns the class of `\d`, `\s` and `\w`.
    pub(super) fn of_perl(letter: char) -> Option<Self> {
        match letter {
            'd' => Some(Self::of_pairs("09")),
            's' => Some(Self::of_pairs("\t\n\x0c\r  ")),
            'w' => Some(Self::of_pairs("09AZaz__")),
            _ => None,
        }
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn not(self) -> Self {
        Self(!self.0)
    }

    pub(super) fn not_if(self, is_negated: bool) -> Self {
        if is_negated { self.not() } else { self }
    }

    /// Adds each letter in the other case.
    pub(super) fn folded(self) -> Self {
        let upper = Self::of_pairs("AZ").0;
        let lower = Self::of_pairs("az").0;
        Self(self.0 | (self.0 & upper) << 32 | (self.0 & lower) >> 32)
    }

    pub(super) fn folded_if(self, is_folded: bool) -> Self {
        if is_folded { self.folded() } else { self }
    }

    /// Writes it as the engine reads it.
    pub(super) fn write(self, out: &mut String) {
        if self == Self::NONE {
            // Nothing is both.
            return out.push_str(r"[a&&b]");
        }
        let has = |at: u32| at <= LAST && self.0 >> at & 1 == 1;
        out.push('[');
        let mut at = 0;
        while at <= LAST {
            if has(at) {
                let first = at;
                while has(at + 1) {
                    at += 1;
                }
                out.push_str(&format!(r"\x{first:02x}-\x{at:02x}"));
            }
            at += 1;
        }
        out.push(']');
    }
}
