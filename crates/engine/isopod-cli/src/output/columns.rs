//! Aligns tab-separated cells in columns, as Go's `tabwriter` does for docker's tables.

/// Narrowest column.
const WIDTH_MIN: usize = 10;

/// Blanks after the widest cell of a column.
const PADDING: usize = 3;

/// Aligns the cells of `text`. A cell ends with a tab; what follows the last tab of a line is in
/// no column. A column is a block of adjacent lines that have a cell in it.
pub(crate) fn align(text: &str) -> String {
    align_from(text, WIDTH_MIN)
}

/// [`align`] with another narrowest column.
pub(crate) fn align_from(text: &str, narrowest: usize) -> String {
    let lines: Vec<Vec<&str>> = text.split('\n').map(|line| line.split('\t').collect()).collect();
    let mut widths: Vec<Vec<usize>> = lines.iter().map(|cells| vec![0; cells.len()]).collect();
    let columns = lines.iter().map(|cells| cells.len() - 1).max().unwrap_or(0);
    for column in 0..columns {
        let has_cell = |line: usize| lines[line].len() - 1 > column;
        let mut start = 0;
        while start < lines.len() {
            if !has_cell(start) {
                start += 1;
                continue;
            }
            let end = (start..lines.len()).find(|line| !has_cell(*line)).unwrap_or(lines.len());
            let widest =
                (start..end).map(|line| lines[line][column].chars().count()).max().unwrap_or(0);
            let width = (widest + PADDING).max(narrowest);
            (start..end).for_each(|line| widths[line][column] = width);
            start = end;
        }
    }
    let mut out = String::with_capacity(text.len() * 2);
    for (at, cells) in lines.iter().enumerate() {
        if at > 0 {
            out.push('\n');
        }
        for (column, cell) in cells.iter().enumerate() {
            out.push_str(cell);
            if column + 1 < cells.len() {
                let blanks = widths[at][column].saturating_sub(cell.chars().count());
                out.extend(std::iter::repeat_n(' ', blanks));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::align;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        assert_eq!(
            align("CONTAINER ID\tIMAGE\tNAMES\n5a5fc8985f44\tdemo\tweb\n"),
            "CONTAINER ID   IMAGE     NAMES\n5a5fc8985f44   demo      web\n"
        );
        assert_eq!(align("a\tb\nplain\nccccccccccccc\td"), "a         b\nplain\nccccccccccccc   d");
        assert_eq!(align("…………………………\tx\ny\tz"), "…………………………   x\ny            z");
        assert_eq!(align(""), "");
    }
}
