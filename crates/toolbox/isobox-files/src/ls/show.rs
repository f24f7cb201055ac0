//! How `ls` prints what it found: names with quotes, colours and marks, in lines or columns.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use isobox_applet::time::{Civil, now};
use isobox_applet::users::Names;
use isobox_applet::{Context, Result, mode, number};
use rustix::fs::FileType;

use super::{File, Layout, Quote, Style, unknown};

/// A name as the style of quoting shows it.
pub(super) fn quoted(name: &OsStr, style: &Style) -> Vec<u8> {
    let bytes = name.as_bytes();
    let mut shown = Vec::with_capacity(bytes.len() + 2);
    match style.quote {
        Quote::No => return bytes.to_vec(),
        Quote::Questions => {
            return match std::str::from_utf8(bytes) {
                Ok(text) => text
                    .chars()
                    .map(|c| if c.is_control() { '?' } else { c })
                    .collect::<String>()
                    .into_bytes(),
                Err(_) => bytes
                    .iter()
                    .map(|&byte| if matches!(byte, b' '..=b'~') { byte } else { b'?' })
                    .collect(),
            };
        }
        Quote::Quotes => shown.push(b'"'),
        Quote::Escapes => {}
    }
    for &byte in bytes {
        match byte {
            b'\\' => shown.extend_from_slice(b"\\\\"),
            b'"' if style.quote == Quote::Quotes => shown.extend_from_slice(b"\\\""),
            b' ' if style.quote == Quote::Escapes => shown.extend_from_slice(b"\\ "),
            b'\n' => shown.extend_from_slice(b"\\n"),
            b'\t' => shown.extend_from_slice(b"\\t"),
            b'\r' => shown.extend_from_slice(b"\\r"),
            0x20..=0x7e => shown.push(byte),
            _ => shown.extend_from_slice(format!("\\{byte:03o}").as_bytes()),
        }
    }
    if style.quote == Quote::Quotes {
        shown.push(b'"');
    }
    shown
}

fn indicator(kind: FileType, mode: u32, style: &Style) -> Option<u8> {
    let mark = match kind {
        FileType::Directory => '/',
        FileType::Symlink => '@',
        FileType::Fifo => '|',
        FileType::Socket => '=',
        FileType::RegularFile if mode & 0o111 != 0 => '*',
        _ => return None,
    };
    style.indicators.contains(mark).then_some(mark as u8)
}

fn color(file: &File) -> &'static str {
    let mode = file.stat.as_ref().map_or(0, |stat| stat.st_mode);
    match file.kind {
        FileType::Directory if mode & 0o1002 == 0o1002 => "30;42",
        FileType::Directory => "1;34",
        FileType::Symlink if file.target.is_none() && file.link.is_some() => "1;31",
        FileType::Symlink => "1;36",
        FileType::Fifo => "33",
        FileType::Socket => "1;35",
        FileType::BlockDevice | FileType::CharacterDevice => "1;33",
        FileType::RegularFile if mode & 0o4000 != 0 => "37;41",
        FileType::RegularFile if mode & 0o111 != 0 => "1;32",
        _ => "",
    }
}

/// The name with its colour and mark, and how many columns it takes.
fn name_cell(file: &File, style: &Style) -> (Vec<u8>, usize) {
    let text = quoted(&file.name, style);
    let mut width = std::str::from_utf8(&text).map_or(text.len(), |text| text.chars().count());
    let mut cell = Vec::new();
    let color = if style.color { color(file) } else { "" };
    if color.is_empty() {
        cell.extend(text);
    } else {
        cell.extend(format!("\x1b[{color}m").bytes());
        cell.extend(text);
        cell.extend_from_slice(b"\x1b[m");
    }
    let mode = file.stat.as_ref().map_or(0, |stat| stat.st_mode);
    let long_link = style.layout == Layout::Long && file.kind.is_symlink();
    if let Some(mark) = indicator(file.kind, mode, style).filter(|_| !long_link) {
        cell.push(mark);
        width += 1;
    }
    (cell, width)
}

fn blocks(file: &File, style: &Style) -> String {
    let bytes =
        u64::try_from(file.stat.as_ref().map_or(0, |stat| stat.st_blocks)).unwrap_or(0) * 512;
    match style.human {
        Some(base) => number::human(bytes, base),
        None => bytes.div_ceil(style.block_size).to_string(),
    }
}

pub(super) fn show(
    cx: &mut Context<'_>,
    style: &Style,
    files: &[File],
    names: &mut Names,
    total: Option<bool>,
) -> Result<()> {
    if total == Some(true) {
        let bytes: u64 = files
            .iter()
            .map(|file| {
                u64::try_from(file.stat.as_ref().map_or(0, |stat| stat.st_blocks)).unwrap_or(0)
                    * 512
            })
            .sum();
        let shown = match style.human {
            Some(base) => number::human(bytes, base),
            None => bytes.div_ceil(style.block_size).to_string(),
        };
        writeln!(cx.stdout, "total {shown}")?;
    }
    if style.layout == Layout::Long {
        return long(cx, style, files, names);
    }
    let inodes: Vec<String> = files
        .iter()
        .map(|file| if style.inode { file.inode.to_string() } else { String::new() })
        .collect();
    let sizes: Vec<String> = files
        .iter()
        .map(|file| if style.blocks { blocks(file, style) } else { String::new() })
        .collect();
    let widest = |cells: &[String]| cells.iter().map(String::len).max().unwrap_or(0);
    let (inode_width, size_width) = (widest(&inodes), widest(&sizes));
    let cells: Vec<(Vec<u8>, usize)> = files
        .iter()
        .enumerate()
        .map(|(index, file)| {
            let mut cell = Vec::new();
            if style.inode {
                cell.extend(format!("{:>inode_width$} ", inodes[index]).bytes());
            }
            if style.blocks {
                cell.extend(format!("{:>size_width$} ", sizes[index]).bytes());
            }
            let ahead = cell.len();
            let (name, width) = name_cell(file, style);
            cell.extend(name);
            (cell, ahead + width)
        })
        .collect();
    match style.layout {
        Layout::Single | Layout::Long => cells.iter().try_for_each(|(cell, _)| {
            cx.stdout.put(cell)?;
            cx.stdout.put(b"\n")
        }),
        Layout::Commas => commas(cx, &cells, style.width),
        Layout::Columns | Layout::Rows => columns(cx, &cells, style),
    }
}

fn commas(cx: &mut Context<'_>, cells: &[(Vec<u8>, usize)], width: usize) -> Result<()> {
    let mut column = 0;
    for (index, (cell, size)) in cells.iter().enumerate() {
        if index > 0 {
            if column + size + 2 >= width {
                cx.stdout.put(b",\n")?;
                column = 0;
            } else {
                cx.stdout.put(b", ")?;
                column += 2;
            }
        }
        cx.stdout.put(cell)?;
        column += size;
    }
    if cells.is_empty() { Ok(()) } else { cx.stdout.put(b"\n") }
}

/// As many columns of equal width as fit, as BusyBox does.
fn columns(cx: &mut Context<'_>, cells: &[(Vec<u8>, usize)], style: &Style) -> Result<()> {
    if cells.is_empty() {
        return Ok(());
    }
    let wide = cells.iter().map(|(_, width)| *width).max().unwrap_or(0) + 2;
    let count = (style.width.max(1) / wide).clamp(1, cells.len());
    let rows = cells.len().div_ceil(count);
    for row in 0..rows {
        let mut pending = 0;
        for column in 0..count {
            let index = if style.layout == Layout::Columns {
                column * rows + row
            } else {
                row * count + column
            };
            let Some((cell, width)) = cells.get(index) else { continue };
            cx.stdout.put(&vec![b' '; pending])?;
            cx.stdout.put(cell)?;
            pending = wide - width;
        }
        cx.stdout.put(b"\n")?;
    }
    Ok(())
}

fn long(cx: &mut Context<'_>, style: &Style, files: &[File], names: &mut Names) -> Result<()> {
    let now = now().0;
    let mut rows: Vec<[String; 8]> = Vec::with_capacity(files.len());
    for file in files {
        let Some(stat) = &file.stat else { continue };
        let device = matches!(file.kind, FileType::BlockDevice | FileType::CharacterDevice);
        let size = if device {
            format!("{}, {:3}", rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev))
        } else {
            match style.human {
                Some(base) => number::human(u64::try_from(stat.st_size).unwrap_or(0), base),
                None => stat.st_size.to_string(),
            }
        };
        let (owner, group) = if style.numeric {
            (stat.st_uid.to_string(), stat.st_gid.to_string())
        } else {
            (names.user(stat.st_uid), names.group(stat.st_gid))
        };
        rows.push([
            file.inode.to_string(),
            blocks(file, style),
            mode::text(stat.st_mode),
            stat.st_nlink.to_string(),
            owner,
            group,
            size,
            time_text(file.time(style), now, &style.time_style)?,
        ]);
    }
    let width = |index: usize| rows.iter().map(|row| row[index].len()).max().unwrap_or(0);
    // BusyBox's widths, unless something is wider.
    let size = if style.human.is_some() { 7 } else { 9 };
    let [w_inode, w_blocks, w_links] = [width(0), width(1), width(3).max(4)];
    let [w_owner, w_group, w_size] = [width(4).max(8), width(5).max(8), width(6).max(size)];
    for (row, file) in rows.iter().zip(files.iter().filter(|file| file.stat.is_some())) {
        if style.inode {
            write!(cx.stdout, "{:>w_inode$} ", row[0])?;
        }
        if style.blocks {
            write!(cx.stdout, "{:>w_blocks$} ", row[1])?;
        }
        write!(cx.stdout, "{} {:>w_links$} ", row[2], row[3])?;
        if style.owner {
            write!(cx.stdout, "{:<w_owner$} ", row[4])?;
        }
        if style.group {
            write!(cx.stdout, "{:<w_group$} ", row[5])?;
        }
        write!(cx.stdout, "{:>w_size$} {} ", row[6], row[7])?;
        let (cell, _) = name_cell(file, style);
        cx.stdout.put(&cell)?;
        if let Some(link) = &file.link {
            cx.stdout.put(b" -> ")?;
            cx.stdout.put(&quoted(link, style))?;
            if let Some(target) = &file.target
                && let Some(mark) =
                    indicator(FileType::from_raw_mode(target.st_mode), target.st_mode, style)
            {
                cx.stdout.put_byte(mark)?;
            }
        }
        cx.stdout.put(b"\n")?;
    }
    Ok(())
}

fn time_text((seconds, nano): (i64, u32), now: i64, style: &str) -> Result<String> {
    let civil = Civil::local(seconds, nano);
    // Half of a mean year: what is older, or not yet, is shown with its year.
    let recent = now - seconds < 15_778_476 && seconds <= now;
    Ok(match style.strip_prefix("posix-").unwrap_or(style) {
        "locale" => civil.format(if recent { "%b %e %H:%M" } else { "%b %e  %Y" }),
        "full-iso" => civil.format("%Y-%m-%d %H:%M:%S.%N %z"),
        "long-iso" => civil.format("%Y-%m-%d %H:%M"),
        "iso" => civil.format(if recent { "%m-%d %H:%M" } else { "%Y-%m-%d " }),
        other => match other.strip_prefix('+') {
            Some(format) => {
                let mut parts = format.splitn(2, '\n');
                let old = parts.next().unwrap_or_default();
                civil.format(if recent { parts.next().unwrap_or(old) } else { old })
            }
            None => return Err(unknown("--time-style", other)),
        },
    })
}
