use proptest::prelude::*;

use crate::wallet::amount::{parse, show, AmountError, GasPrice, UNITS};

#[test]
fn each_unit_is_read_in_nicoin() {
    for (text, nicoin) in [
        ("5icoin", 5_000_000_000),
        ("2.5micoin", 2_500_000),
        ("1.5uicoin", 1_500),
        ("7nicoin", 7),
        ("0nicoin", 0),
        ("0.000000001icoin", 1),
        ("1.50icoin", 1_500_000_000),
        ("007nicoin", 7),
        ("7.000nicoin", 7),
        ("1000000000icoin", 1_000_000_000_000_000_000),
    ] {
        assert_eq!(parse(text), Ok(nicoin), "{text}");
    }
}

#[test]
fn what_the_chain_cannot_hold_exactly_is_refused() {
    for text in [
        "0.0000000001icoin",
        "1.5nicoin",
        "0.0001uicoin",
        "1.0000001micoin",
    ] {
        assert!(
            matches!(parse(text), Err(AmountError::TooFine { .. })),
            "{text}"
        );
    }
}

#[test]
fn what_is_no_amount_is_refused() {
    for text in [
        "",
        "icoin",
        "-5icoin",
        "+5icoin",
        ".5icoin",
        "5.icoin",
        "1.2.3icoin",
        "5 icoin",
        " 5icoin",
        "5icoin ",
        "1e3icoin",
        "5icoin,6nicoin",
        "5,5icoin",
        "0x5icoin",
        "٥icoin",
    ] {
        assert!(parse(text).is_err(), "{text:?}");
    }
    assert!(matches!(parse("5"), Err(AmountError::NoUnit(_))));
    assert!(matches!(parse("5stake"), Err(AmountError::Unit { .. })));
    assert!(matches!(parse("5ICOIN"), Err(AmountError::Unit { .. })));
    let largest = u128::MAX.to_string();
    assert_eq!(parse(&format!("{largest}nicoin")), Ok(u128::MAX));
    assert!(matches!(
        parse(&format!("{largest}uicoin")),
        Err(AmountError::TooLarge(_))
    ));
    assert!(matches!(
        parse(&format!("{largest}0nicoin")),
        Err(AmountError::TooLarge(_))
    ));
}

#[test]
fn a_fee_is_rounded_up_to_a_whole_nicoin() {
    let price: GasPrice = "0.01nicoin".parse().unwrap();
    assert_eq!(price, GasPrice::DEFAULT);
    assert_eq!(price.fee(100_000), Some(1_000));
    assert_eq!(price.fee(100_001), Some(1_001));
    assert_eq!(price.fee(0), Some(0));
    assert_eq!("0.01uicoin".parse::<GasPrice>().unwrap().fee(3), Some(30));
    assert_eq!(
        "0nicoin".parse::<GasPrice>().unwrap().fee(u64::MAX),
        Some(0)
    );
    assert_eq!(price.to_string(), "0.01nicoin");
    assert!("0.0000000000000000001nicoin".parse::<GasPrice>().is_err());
    assert!("0.01".parse::<GasPrice>().is_err());
    let dear: GasPrice = "100000000icoin".parse().unwrap();
    assert_eq!(dear.fee(u64::MAX), None);
}

proptest! {
    #[test]
    fn what_is_shown_is_read_back(amount: u128) {
        prop_assert_eq!(parse(&show(amount)), Ok(amount));
    }

    #[test]
    fn every_amount_is_read_in_every_unit(amount in 0..u128::MAX / 2, unit in 0..UNITS.len()) {
        let (name, places) = UNITS[unit];
        let one = 10u128.pow(places);
        let width = places as usize;
        let text = match places {
            0 => format!("{amount}{name}"),
            _ => format!("{}.{:0width$}{name}", amount / one, amount % one),
        };
        prop_assert_eq!(parse(&text), Ok(amount));
    }

    #[test]
    fn no_text_makes_it_panic(text in ".*", unit in "(icoin|micoin|uicoin|nicoin)?", digits in "[0-9.]{0,60}") {
        let _ = parse(&text);
        let _ = parse(&format!("{digits}{unit}"));
        let _ = format!("{digits}{unit}").parse::<GasPrice>();
    }
}
