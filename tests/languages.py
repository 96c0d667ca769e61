"""Sentence pairs of twelve languages, made by small grammars of our own: `python -m tests.languages FOLDER`.

Each file has what real files of that language have: byte order marks, CRLF, a header row, invisible characters,
decomposed letters, long rows. The words are plain, and the patterns were chosen so that nothing has to agree.
"""

import itertools
import sys
import unicodedata
from pathlib import Path

# ruff: noqa: E501
NOUNS = [
    "cat",
    "dog",
    "horse",
    "cow",
    "goat",
    "bird",
    "fish",
    "mouse",
    "otter",
    "lion",
    "bear",
    "wolf",
    "child",
    "teacher",
    "friend",
    "king",
    "house",
    "door",
    "book",
    "river",
]
ADJECTIVES = [
    "old",
    "new",
    "big",
    "small",
    "good",
    "bad",
    "here",
    "outside",
    "happy",
    "tired",
    "hungry",
    "quiet",
]
VERBS = ["sleeps", "eats", "drinks", "sings", "runs", "laughs", "reads", "waits", "works", "falls"]

# Each language: nouns, adjectives and verbs in the order above; then a pattern for each English one. {N} and {M} begin
# a sentence with a capital letter.
WORDS = {
    "deu": (
        "die Katze|das Hündchen|das Pferd|die Kuh|die Ziege|das Vöglein|das Fischlein|die Maus|die Otterin|die Löwin|"
        "die Bärin|die Wölfin|das Kind|die Lehrerin|die Freundin|die Königin|das Haus|die Tür|das Buch|das Flüsschen",
        "alt|neu|groß|klein|gut|schlecht|hier|draußen|fröhlich|müde|hungrig|still",
        "schläft|isst|trinkt|singt|läuft|lacht|liest|wartet|arbeitet|fällt",
    ),
    "rus": (
        "кошка|собака|лошадь|корова|коза|птица|рыба|мышь|выдра|львица|медведица|волчица|девочка|учительница|подруга|"
        "королева|комната|дверь|книга|река",
        "старая|новая|большая|маленькая|хорошая|плохая|здесь|снаружи|весёлая|усталая|голодная|тихая",
        "спит|ест|пьёт|поёт|бежит|смеётся|читает|ждёт|работает|падает",
    ),
    "tur": (
        "kedi|köpek|at|inek|keçi|kuş|balık|fare|susamuru|aslan|ayı|kurt|çocuk|öğretmen|arkadaş|kral|ev|kapı|kitap|ırmak",
        "yaşlı|yeni|büyük|küçük|iyi|kötü|burada|dışarıda|mutlu|yorgun|aç|sessiz",
        "uyuyor|yiyor|içiyor|şarkı söylüyor|koşuyor|gülüyor|okuyor|bekliyor|çalışıyor|düşüyor",
    ),
    "ell": (
        "η γάτα|η σκύλα|η φοράδα|η αγελάδα|η κατσίκα|η πέρδικα|η τσιπούρα|η νυφίτσα|η βίδρα|η λέαινα|η αρκούδα|"
        "η λύκαινα|η κόρη|η δασκάλα|η φίλη|η βασίλισσα|η πολυκατοικία|η πόρτα|η εφημερίδα|η λίμνη",
        "παλιά|νέα|μεγάλη|μικρή|καλή|κακή|εδώ|έξω|χαρούμενη|κουρασμένη|πεινασμένη|ήσυχη",
        "κοιμάται|τρώει|πίνει|τραγουδάει|τρέχει|γελάει|διαβάζει|περιμένει|δουλεύει|πέφτει",
    ),
    "hin": (
        "बिल्ली|कुतिया|घोड़ी|गाय|बकरी|चिड़िया|मछली|चुहिया|लोमड़ी|शेरनी|भालूनी|भेड़िया|लड़की|अध्यापिका|सहेली|रानी|इमारत|खिड़की|किताब|नदी",
        "पुरानी|नई|बड़ी|छोटी|अच्छी|बुरी|यहाँ|बाहर|खुश|थकी|भूखी|शांत",
        "सोती है|खाती है|पीती है|गाती है|दौड़ती है|हँसती है|पढ़ती है|रुकती है|काम करती है|गिरती है",
    ),
    "ben": (
        "বিড়াল|কুকুর|ঘোড়া|গরু|ছাগল|পাখি|মাছ|ইঁদুর|ভোঁদড়|সিংহ|ভালুক|নেকড়ে|শিশু|শিক্ষক|বন্ধু|রাজা|বাড়ি|দরজা|বই|নদী",
        "পুরানো|নতুন|বড়|ছোট|ভালো|খারাপ|এখানে|বাইরে|খুশি|ক্লান্ত|ক্ষুধার্ত|শান্ত",
        "ঘুমায়|খায়|পান করে|গায়|দৌড়ায়|হাসে|পড়ে|থামে|কাজ করে|হোঁচট খায়",
    ),
    "tha": (
        "แมว|สุนัข|ม้า|วัว|แพะ|นก|ปลา|หนู|นาก|สิงโต|หมี|หมาป่า|เด็ก|ครู|เพื่อน|กษัตริย์|บ้าน|ประตู|หนังสือ|แม่น้ำ",
        "แก่|ใหม่|ใหญ่|เล็ก|ดี|เลว|อยู่ที่นี่|อยู่ข้างนอก|มีความสุข|เหนื่อย|หิว|เงียบ",
        "นอนหลับ|กิน|ดื่ม|ร้องเพลง|วิ่ง|หัวเราะ|อ่าน|รอ|ทำงาน|ล้ม",
    ),
    "ara": (
        "القطة|الكلبة|الفرس|البقرة|المعزة|الحمامة|السمكة|الفأرة|القندسة|اللبؤة|الدبة|الذئبة|البنت|المعلمة|الصديقة|"
        "الملكة|الغرفة|النافذة|القصة|البحيرة",
        "قديمة|جديدة|كبيرة|صغيرة|جيدة|سيئة|هنا|في الخارج|سعيدة|متعبة|جائعة|هادئة",
        "تنام|تأكل|تشرب|تغني|تركض|تضحك|تقرأ|تنتظر|تعمل|تقع",
    ),
    "heb": (
        "החתולה|הכלבה|הסוסה|הפרה|העז|הציפור|הדגה|העכברה|הלוטרה|הלביאה|הדובה|הזאבה|הילדה|המורה|החברה|המלכה|הדירה|הדלת|"
        "המחברת|הבריכה",
        "ישנה|חדשה|גדולה|קטנה|טובה|רעה|כאן|בחוץ|שמחה|עייפה|רעבה|שקטה",
        "נרדמת|אוכלת|שותה|שרה|רצה|צוחקת|קוראת|מחכה|עובדת|נופלת",
    ),
    "cmn": (
        "猫|狗|马|牛|山羊|鸟|鱼|老鼠|水獭|狮子|熊|狼|孩子|老师|朋友|国王|房子|门|书|河",
        "很老|很新|很大|很小|很好|很坏|在这里|在外面|很高兴|很累|很饿|很安静",
        "睡觉|吃饭|喝水|唱歌|跑步|笑|读书|等待|工作|跌倒",
    ),
    "jpn": (
        "猫|犬|馬|牛|ヤギ|鳥|魚|ネズミ|カワウソ|ライオン|クマ|オオカミ|子ども|先生|友だち|王さま|家|ドア|本|川",
        "古い|新しい|大きい|小さい|いい|悪い|近い|遠い|うれしい|だるい|ひもじい|おとなしい",
        "眠る|食べる|飲む|歌う|走る|笑う|読む|待つ|働く|倒れる",
    ),
    "kor": (
        "고양이|강아지|조랑말|암소|염소|참새|물고기|생쥐|수달이|사자|곰이|늑대|아이|교사|친구|임금이|오두막이|대문이|책이|강이",
        "늙었다|새롭다|크다|작다|좋다|나쁘다|여기 있다|밖에 있다|행복하다|피곤하다|배고프다|조용하다",
        "잔다|먹는다|마신다|노래한다|달린다|웃는다|읽는다|기다린다|일한다|넘어진다",
    ),
}
ENGLISH = {
    "is": "The {n} is {a}.",
    "is not": "The {n} is not {a}.",
    "is it": "Is the {n} {a}?",
    "verb": "The {n} {v}.",
    "today": "Today the {n} {v}.",
    "and": "The {n} and the {m} are here.",
    "this": "This {a} thing is the {n}.",
}
PATTERNS = {
    "deu": ("{N} ist {a}.", "{N} ist nicht {a}.", "Ist {n} {a}?", "{N} {v}.", "Heute {v} {n}.", "{N} und {m} sind hier."),
    "rus": ("{N} {a}.", "{N} не {a}.", "{N} {a}?", "{N} {v}.", "Сегодня {n} {v}.", "{N} и {m} здесь."),
    "tur": ("{N} {a}.", "{N} {a} değil.", "{N} {a} mı?", "{N} {v}.", "Bugün {n} {v}.", "{N} ve {m} burada."),
    "ell": ("{N} είναι {a}.", "{N} δεν είναι {a}.", "Είναι {n} {a};", "{N} {v}.", "Σήμερα {n} {v}.", "{N} και {m} είναι εδώ."),
    "hin": ("{n} {a} है।", "{n} {a} नहीं है।", "क्या {n} {a} है?", "{n} {v}।", "आज {n} {v}।", "{n} और {m} यहाँ हैं।"),
    "ben": ("{n} {a}।", "{n} {a} নয়।", "{n} কি {a}?", "{n} {v}।", "আজ {n} {v}।", "{n} এবং {m} এখানে।"),
    "tha": ("{n}{a}", "{n}ไม่{a}", "{n}{a}ไหม", "{n}{v}", "วันนี้{n}{v}", "{n}และ{m}อยู่ที่นี่"),
    "ara": ("{n} {a}.", "ليست {n} {a}.", "هل {n} {a}؟", "{n} {v}.", "{v} {n} اليوم.", "{n} و{m} هنا."),
    "heb": ("{n} {a}.", "{n} לא {a}.", "האם {n} {a}?", "{n} {v}.", "היום {n} {v}.", "{n} ו{m} כאן."),
    "cmn": ("{n}{a}。", "{n}不是{a}。", "{n}{a}吗？", "{n}{v}。", "今天{n}{v}。", "{n}和{m}在这里。"),
    "jpn": ("{n}は{a}。", "{n}は{a}とは言えない。", "{n}は{a}か？", "{n}が{v}。", "今日は{n}が{v}。", "{n}と{m}はここにいる。"),
    "kor": ("{n} {a}.", "{n} 안 {a}.", "{n} {a}니?", "{n} {v}.", "오늘 {n} {v}.", "{n} 그리고 {m} 여기 있다."),
}  # fmt: skip
LANGUAGES = tuple(WORDS)


def _capital(text: str, code: str) -> str:
    return ("İ" if code == "tur" and text[0] == "i" else text[0].upper()) + text[1:]


def pairs(code: str) -> list[tuple[str, str]]:
    """Return all pairs of a language, English first, short ones first."""
    nouns, adjectives, verbs = (words.split("|") for words in WORDS[code])
    english, patterns = list(ENGLISH.values()), PATTERNS[code]
    found: list[tuple[str, ...]] = []
    for i, j in itertools.product(range(len(NOUNS)), repeat=2):
        words = {"n": nouns[i], "N": _capital(nouns[i], code), "m": nouns[j]}
        said = {"n": NOUNS[i], "m": NOUNS[j]}
        if i != j:
            found.append((english[5].format(**said), patterns[5].format(**words)))
        if j < len(ADJECTIVES):
            more, told = words | {"a": adjectives[j]}, said | {"a": ADJECTIVES[j]}
            found += [(english[k].format(**told), patterns[k].format(**more)) for k in range(3)]
            # A second sentence makes the rows longer, and gives their lengths a spread.
            for k in {(i + j) % len(VERBS), (i + 2 * j + 3) % len(VERBS)}:
                more, told = more | {"v": verbs[k]}, told | {"v": VERBS[k]}
                found += [
                    tuple(
                        " ".join(form[x].format(**w) for x in two)
                        for form, w in ((english, told), (patterns, more))
                    )
                    for two in itertools.product((0, 1, 2), (3, 4))
                ]
        if j < len(VERBS):
            more, told = words | {"v": verbs[j]}, said | {"v": VERBS[j]}
            found += [(english[k].format(**told), patterns[k].format(**more)) for k in (3, 4)]
    return sorted({(source, target) for source, target in found}, key=lambda pair: (len(pair[0]), pair))


def text_of(code: str) -> bytes:
    """Return the file of a language, with what real files of it hold."""
    rows = pairs(code)
    lines = [f"{source}\t{target}\tCC-BY 2.0, our own sentences" for source, target in rows]
    if code == "deu":
        lines = ["English\tGerman\tAttribution", *lines]
    if code == "hin":  # a joiner that writing needs
        lines[::5] = [line.replace("शांत", "शा\u200dंत") for line in lines[::5]]
    if code == "ben":  # a letter that composition takes apart, and decomposed rows
        lines[::2] = [line.replace("\u09af\u09bc", "\u09df") for line in lines[::2]]
        lines[1::2] = [unicodedata.normalize("NFD", line) for line in lines[1::2]]
    if code == "ara":
        lines = [line.replace("؟", "؟\u200f") for line in lines]
    if code == "heb":
        lines = [line.replace("?", "\u200f?") for line in lines]
    if code in ("cmn", "jpn"):
        lines[::7] = [line.replace("。", "。\u200b") for line in lines[::7]]
        lines[1::7] = [line.replace("。 ", "。\u3000") for line in lines[1::7]]
    if code == "kor":  # one giant among short rows
        giant = [" ".join(row[side] for row in rows[:20]) for side in (0, 1)]
        lines.append("\t".join([*giant, "our own"]))
    if code == "rus":  # two columns
        lines = [line.rpartition("\t")[0] for line in lines]
    text = ("\r\n" if code == "deu" else "\n").join([*lines, ""])
    return text.encode("utf-8-sig" if code == "hin" else "utf-8")


def write(folder: Path) -> list[Path]:
    """Write the files of all languages into a folder; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{code}.txt" for code in LANGUAGES]
    for file, code in zip(files, LANGUAGES, strict=True):
        file.write_bytes(text_of(code))
    return files


if __name__ == "__main__":
    print(*write(Path(sys.argv[1])), sep="\n")
