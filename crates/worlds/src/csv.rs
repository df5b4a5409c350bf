//! Tables as files of comma-separated values (RFC 4180).

/// Cells as a line, without its end.
pub(crate) fn line(cells: &[String], between: char) -> String {
    let quoted = |cell: &String| {
        if cell.contains([between, '"', '\n']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell.clone()
        }
    };
    let cells: Vec<String> = cells.iter().map(quoted).collect();
    cells.join(&between.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_where_it_must_be() {
        let cells = ["a", "b;c", "d\"e", "f,g"].map(str::to_owned);
        assert_eq!(line(&cells, ';'), "a;\"b;c\";\"d\"\"e\";f,g");
        assert_eq!(line(&cells, ','), "a,b;c,\"d\"\"e\",\"f,g\"");
    }
}
