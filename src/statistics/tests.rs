use proptest::prelude::*;

use super::*;

fn fraction(above: i64, below: i64) -> BigRational {
    BigRational::new(above.into(), below.into())
}

/// A response as the tests write it: value, outcome, delta.
type Cell = (&'static str, Outcome, BigRational);

/// Statistics of sheets that all have all questions.
fn statistics(sheets: &[Vec<Cell>]) -> Statistics {
    let questions = sheets.first().map_or(0, Vec::len);
    let mut statistics = Statistics::new((1..=questions).map(|q| format!("q{q}")));
    for sheet in sheets {
        let responses: Vec<Option<Response>> = sheet.iter().map(response).collect();
        statistics.add(&responses);
    }
    statistics
}

fn response((value, outcome, delta): &Cell) -> Option<Response> {
    Some(Response {
        value: (*value).to_owned(),
        multi_marked: Some(value.len() > 1),
        outcome: *outcome,
        delta: delta.clone(),
    })
}

/// 1 for the right answer `A`, 0 for `B` and for none.
fn plain(value: &'static str) -> Cell {
    match value {
        "A" => (value, Outcome::Correct, fraction(1, 1)),
        "" => (value, Outcome::Unmarked, fraction(0, 1)),
        _ => (value, Outcome::Incorrect, fraction(0, 1)),
    }
}

fn rows(table: &[Vec<String>]) -> Vec<String> {
    table.iter().map(|row| row.join(",")).collect()
}

fn value(statistics: &Statistics, name: &str) -> String {
    statistics.batch().into_iter().find(|row| row[0] == name).unwrap()[1].clone()
}

/// Five sheets of four questions, `A` right everywhere:
///
/// ```text
///       q1 q2 q3 q4   total
///       A  A  A  A      4
///       A  A  A  B      3
///       A  A  B  B      2
///       A  B  B  -      1
///       B  AC A  A      2
/// right 4  3  3  2     12
/// ```
fn example() -> Vec<Vec<Cell>> {
    let sheets =
        [["A", "A", "A", "A"], ["A", "A", "A", "B"], ["A", "A", "B", "B"], ["A", "B", "B", ""], ["B", "AC", "A", "A"]];
    sheets.map(|sheet| sheet.map(plain).to_vec()).to_vec()
}

#[test]
fn questions_by_hand() {
    // Totals t: mean 12/5 = 2.4, Σt² = 16 + 9 + 4 + 1 + 4 = 34, n Σt² − (Σt)² = 170 − 144 = 26.
    // r = (n Σ_right t − right Σt) / sqrt(26 · right · (n − right)):
    //   q1: (5·10 − 4·12) / sqrt(26·4) =  2/10.1980 = 0.1961
    //   q2: (5· 9 − 3·12) / sqrt(26·6) =  9/12.4900 = 0.7206
    //   q3: (5· 9 − 3·12) / sqrt(26·6) =  0.7206
    //   q4: (5· 6 − 2·12) / sqrt(26·6) =  6/12.4900 = 0.4804
    // Rests, the totals without the question:
    //   q1: 3 2 1 0 2, sum 8, squares 18, spread 90 − 64 = 26; right 6: (30 − 32) / sqrt(26·4) = −0.1961
    //   q2: 3 2 1 1 2, sum 9, squares 19, spread 95 − 81 = 14; right 6: (30 − 27) / sqrt(14·6) = 3/9.1652 = 0.3273
    //   q3: 3 2 2 1 1, sum 9, squares 19, spread 14;           right 6: 0.3273
    //   q4: 3 3 2 1 1, sum 10, squares 24, spread 20;          right 4: (20 − 20) = 0
    let statistics = statistics(&example());
    assert_eq!(
        rows(&statistics.items()),
        [
            "q1,5,4,0.8000,0,0,A:4 B:1,0.8000,0.1961,-0.1961",
            "q2,5,3,0.6000,0,1,A:3 AC:1 B:1,0.6000,0.7206,0.3273",
            "q3,5,3,0.6000,0,0,A:3 B:2,0.6000,0.7206,0.3273",
            "q4,5,2,0.4000,1,0,A:2 B:2,0.4000,0.4804,0.0000",
        ]
    );
    assert!(statistics.items().iter().all(|row| row.len() == ITEMS_HEADER.len()));
}

#[test]
fn a_batch_by_hand() {
    // Variance 26/25 = 1.04, deviation 1.0198. Σ p(1 − p) = 0.16 + 0.24 + 0.24 + 0.24 = 0.88.
    // KR-20 = 4/3 · (1 − 0.88/1.04) = 4/3 · 0.153846 = 0.2051.
    assert_eq!(
        rows(&statistics(&example()).batch()),
        [
            "sheets,5",
            "questions,4",
            "mean,2.4000",
            "standard_deviation,1.0198",
            "minimum,1.0000",
            "maximum,4.0000",
            "kr20,0.2051",
            "cronbach_alpha,0.2051",
        ]
    );
}

#[test]
fn fractions_and_negative_marks_by_hand() {
    // q1 earns 1, −1/3, 1; q2 earns 1/2, 1/2, 0. Totals in sixths: 9, 1, 6.
    // q1 in sixths: 6 −2 6, mean 10/18 = 0.5556, spread 3·76 − 100 = 128; q2: 3 3 0, mean 6/18, spread 3·18 − 36 = 18.
    // Totals: mean 16/18 = 0.8889, spread 3·118 − 256 = 98, deviation sqrt(98)/3/6 = 0.5500.
    // alpha = 2 · (1 − 146/98) = −0.9796. Right in q1: (3·15 − 2·16)/sqrt(98·2) = 13/14 = 0.9286.
    // Rest of q1 is q2: (3·3 − 2·6)/sqrt(18·2) = −3/6 = −0.5. q2: (3·10 − 2·16)/14 = −0.1429; rest
    // (3·4 − 2·10)/sqrt(128·2) = −8/16 = −0.5.
    let right = |above, below| ("A", Outcome::Correct, fraction(above, below));
    let wrong = ("B", Outcome::Incorrect, fraction(-1, 3));
    let blank = ("", Outcome::Unmarked, fraction(0, 1));
    let sheets = [vec![right(1, 1), right(1, 2)], vec![wrong, right(1, 2)], vec![right(1, 1), blank]];
    let statistics = statistics(&sheets);
    assert_eq!(
        rows(&statistics.items()),
        ["q1,3,2,0.6667,0,0,A:2 B:1,0.5556,0.9286,-0.5000", "q2,3,2,0.6667,1,0,A:2,0.3333,-0.1429,-0.5000",]
    );
    assert_eq!(
        rows(&statistics.batch())[2..],
        [
            "mean,0.8889",
            "standard_deviation,0.5500",
            "minimum,0.1667",
            "maximum,1.5000",
            "kr20,",
            "cronbach_alpha,-0.9796",
        ]
    );
}

#[test]
fn what_has_no_value_is_empty() {
    let none = Statistics::new(["q1"]);
    assert_eq!(rows(&none.items()), ["q1,0,0,,0,0,,,,"]);
    let batch = ["sheets,0", "questions,1", "mean,", "standard_deviation,", "minimum,", "maximum,", "kr20,"];
    assert_eq!(rows(&none.batch())[..7], batch);

    let one = statistics(&example()[..1]);
    assert_eq!(rows(&one.items())[0], "q1,1,1,1.0000,0,0,A:1,1.0000,,");
    let batch = ["mean,4.0000", "standard_deviation,0.0000", "minimum,4.0000", "maximum,4.0000", "kr20,"];
    assert_eq!(rows(&one.batch())[2..7], batch);
    assert_eq!(value(&one, "cronbach_alpha"), "");

    // One question is no scale, and nothing is left without it.
    let single: Vec<Vec<Cell>> = ["A", "B"].map(|value| vec![plain(value)]).to_vec();
    let single = statistics(&single);
    assert_eq!(rows(&single.items()), ["q1,2,1,0.5000,0,0,A:1 B:1,0.5000,1.0000,"]);
    assert_eq!([value(&single, "kr20"), value(&single, "cronbach_alpha")], ["", ""]);
}

#[test]
fn kr20_is_for_one_mark_value() {
    let mark = |outcome, above| ("A", outcome, fraction(above, 2));
    let (right, wrong) = (|above| mark(Outcome::Correct, above), |above| mark(Outcome::Incorrect, above));
    let kr20 = |sheets: &[Vec<Cell>]| value(&statistics(sheets), "kr20");
    // 5/2 for every right answer: as good as 1. Totals 2 right, 1 right: spread 2·5 − 9 = 1, Σ right·wrong = 1.
    assert_eq!(kr20(&[vec![right(5), right(5)], vec![right(5), wrong(0)]]), "0.0000");
    assert_eq!(kr20(&[vec![right(5), right(4)], vec![right(5), wrong(0)]]), "");
    assert_eq!(kr20(&[vec![right(5), right(5)], vec![right(5), wrong(-1)]]), "");
    assert_eq!(kr20(&[vec![right(5), right(0)], vec![right(5), wrong(0)]]), "");
}

#[test]
fn sheets_may_lack_questions() {
    let mut statistics = Statistics::new(["q1", "q2"]);
    let (right, wrong) = (plain("A"), plain("B"));
    statistics.add(&[response(&right), None]);
    statistics.add(&[response(&wrong)]);
    statistics.add(&[response(&right), response(&right)]);
    assert_eq!(
        rows(&statistics.items()),
        // q1: totals 1 0 2, (3·3 − 2·3)/sqrt(6·2) = 0.8660; rests 0 0 1, (3·1 − 2·1)/sqrt(2·2) = 0.5.
        ["q1,3,2,0.6667,0,0,A:2 B:1,0.6667,0.8660,0.5000", "q2,1,1,1.0000,0,0,A:1,1.0000,,"]
    );
    assert_eq!([value(&statistics, "kr20"), value(&statistics, "cronbach_alpha")], ["", ""]);
    assert_eq!(value(&statistics, "mean"), "1.0000");
}

#[test]
fn unknown_multi_marks_are_no_number() {
    let mut statistics = Statistics::new(["q1"]);
    let right = plain("A");
    let known = response(&right);
    let unknown = known.clone().map(|response| Response { multi_marked: None, ..response });
    statistics.add(std::slice::from_ref(&known));
    assert_eq!(statistics.items()[0][5], "0");
    statistics.add(&[unknown]);
    statistics.add(&[known]);
    assert_eq!(statistics.items()[0][5], "");
}

#[test]
fn marks_beyond_all_bounds_leave_cells_empty() {
    let huge = BigRational::new("9".repeat(40).parse().unwrap(), 1.into());
    let large = BigRational::from_integer(i64::MAX.into());
    for delta in [huge, &large * &large] {
        let cell = ("A", Outcome::Correct, delta);
        let mut statistics = Statistics::new(["q1", "q2"]);
        let right = plain("A");
        statistics.add(&[response(&right), response(&right)]);
        statistics.add(&[response(&cell), response(&right)]);
        statistics.add(&[response(&right), response(&right)]);
        assert!(statistics.is_overflown());
        assert_eq!(rows(&statistics.items())[0], "q1,3,3,1.0000,0,0,A:3,,,");
        assert_eq!(rows(&statistics.batch())[2..7], ["mean,", "standard_deviation,", "minimum,", "maximum,", "kr20,"]);
        assert_eq!(value(&statistics, "cronbach_alpha"), "");
    }
}

#[test]
fn nothing_prints_as_minus_zero() {
    assert_eq!(decimal(Some(-0.00001)), "0.0000");
    assert_eq!(decimal(Some(-0.0)), "0.0000");
    assert_eq!(decimal(Some(-0.00006)), "-0.0001");
}

/// Sheets of `questions` questions whose values are `A`, `B` or blank.
fn plain_sheets(questions: usize) -> impl Strategy<Value = Vec<Vec<Cell>>> {
    let cell = prop::sample::select(vec!["A", "B", ""]).prop_map(plain);
    prop::collection::vec(prop::collection::vec(cell, questions), 0..20)
}

/// Sheets with marks of many kinds.
fn graded_sheets(questions: usize) -> impl Strategy<Value = Vec<Vec<Cell>>> {
    let outcome = prop::sample::select(vec![Outcome::Correct, Outcome::Incorrect, Outcome::Unmarked]);
    let cell = (prop::sample::select(vec!["A", "B", "AB"]), outcome, -9i64..9, 1i64..13)
        .prop_map(|(value, outcome, above, below)| (value, outcome, fraction(above, below)));
    prop::collection::vec(prop::collection::vec(cell, questions), 0..20)
}

/// Pearson's correlation, from its definition.
fn pearson(x: &[f64], y: &[f64]) -> f64 {
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let (mx, my) = (mean(x), mean(y));
    let sum = |f: &dyn Fn(f64, f64) -> f64| x.iter().zip(y).map(|(x, y)| f(x - mx, y - my)).sum::<f64>();
    sum(&|x, y| x * y) / (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt()
}

/// A cell within the rounding of its four decimals.
fn near(cell: &str, value: f64) -> bool {
    cell.parse::<f64>().is_ok_and(|printed| (printed - value).abs() < 0.000_050_001)
}

proptest! {
    #[test]
    fn the_order_of_sheets_does_not_matter(
        (sheets, shuffled) in graded_sheets(3).prop_flat_map(|s| (Just(s.clone()), Just(s).prop_shuffle())),
    ) {
        let (a, b) = (statistics(&sheets), statistics(&shuffled));
        prop_assert_eq!(a.items(), b.items());
        prop_assert_eq!(a.batch(), b.batch());
    }

    #[test]
    fn alpha_of_identical_questions_is_1(deltas in prop::collection::vec((-9i64..9, 1i64..13), 2..20), k in 2usize..6) {
        let cell = |&(above, below): &(i64, i64)| ("A", Outcome::Correct, fraction(above, below));
        let sheets: Vec<Vec<Cell>> = deltas.iter().map(|delta| vec![cell(delta); k]).collect();
        let varies = sheets.iter().any(|sheet| sheet[0].2 != sheets[0][0].2);
        prop_assert_eq!(value(&statistics(&sheets), "cronbach_alpha"), if varies { "1.0000" } else { "" });
    }

    #[test]
    fn kr20_is_alpha_where_answers_are_right_or_wrong(sheets in plain_sheets(4)) {
        let statistics = statistics(&sheets);
        prop_assert_eq!(statistics.kr20(), statistics.cronbach_alpha());
    }

    #[test]
    fn sums_give_what_definitions_give(sheets in graded_sheets(3)) {
        let statistics = statistics(&sheets);
        let number = |cell: &Cell| {
            let part = |n: &_| i128::try_from(n).unwrap() as f64;
            part(cell.2.numer()) / part(cell.2.denom())
        };
        let totals: Vec<f64> = sheets.iter().map(|sheet| sheet.iter().map(number).sum()).collect();
        for (q, row) in statistics.items().iter().enumerate() {
            let right: Vec<f64> =
                sheets.iter().map(|sheet| f64::from(u8::from(sheet[q].1 == Outcome::Correct))).collect();
            let rests: Vec<f64> = sheets.iter().zip(&totals).map(|(sheet, total)| total - number(&sheet[q])).collect();
            for (cell, scores) in [(&row[8], &totals), (&row[9], &rests)] {
                prop_assert!(cell.is_empty() || near(cell, pearson(&right, scores)), "{} {:?}", cell, scores);
            }
        }
        let mean = totals.iter().sum::<f64>() / totals.len() as f64;
        let variance = totals.iter().map(|t| (t - mean) * (t - mean)).sum::<f64>() / totals.len() as f64;
        prop_assert!(totals.is_empty() || near(&value(&statistics, "mean"), mean));
        prop_assert!(totals.is_empty() || near(&value(&statistics, "standard_deviation"), variance.sqrt()));
    }
}
