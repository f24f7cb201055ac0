//! The toolbox's applets that work on text and bytes, one file each.

use isobox_applet::Applet;

mod positions;
mod random;
mod tabs;

mod base64;
mod cat;
mod checksums;
mod cksum;
mod cmp;
mod comm;
mod cut;
mod dos2unix;
mod expand;
mod expr;
mod factor;
mod fmt;
mod fold;
mod head;
mod hexdump;
mod iconv;
mod join;
mod look;
mod more;
mod nl;
mod od;
mod paste;
mod rev;
mod seq;
mod shuf;
mod sort;
mod source;
mod split;
mod strings;
mod tac;
mod tail;
mod tr;
mod tsort;
mod unexpand;
mod uniq;
mod uuencode;
mod wc;
mod xxd;

/// The applets of this group.
pub static APPLETS: &[Applet] = &[
    base64::BASE32,
    base64::BASE64,
    base64::BASENC,
    cat::CAT,
    checksums::MD5SUM,
    checksums::SHA1SUM,
    checksums::SHA224SUM,
    checksums::SHA256SUM,
    checksums::SHA384SUM,
    checksums::SHA3SUM,
    checksums::SHA512SUM,
    cksum::CKSUM,
    cksum::CRC32,
    cksum::SUM,
    cmp::CMP,
    comm::COMM,
    cut::CUT,
    dos2unix::DOS2UNIX,
    dos2unix::UNIX2DOS,
    expand::EXPAND,
    expr::EXPR,
    factor::FACTOR,
    fmt::COLUMN,
    fmt::FMT,
    fold::FOLD,
    head::HEAD,
    hexdump::HEXDUMP,
    iconv::ICONV,
    join::JOIN,
    look::LOOK,
    more::MORE,
    nl::NL,
    od::OD,
    paste::PASTE,
    rev::REV,
    seq::SEQ,
    shuf::SHUF,
    sort::SORT,
    split::CSPLIT,
    split::SPLIT,
    strings::STRINGS,
    tac::TAC,
    tail::TAIL,
    tr::TR,
    tsort::TSORT,
    unexpand::UNEXPAND,
    uniq::UNIQ,
    uuencode::UUDECODE,
    uuencode::UUENCODE,
    wc::WC,
    xxd::XXD,
];
