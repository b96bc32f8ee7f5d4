//! Columns as kubectl prints them.

const GAP: usize = 3;

/// A table with a heading; columns are as wide as their widest cell.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(heading: &[&str]) -> Self {
        Self {
            rows: vec![heading.iter().map(|cell| (*cell).to_owned()).collect()],
        }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(one_line).collect());
    }

    pub(crate) fn render(&self) -> String {
        let mut widths = Widths::default();
        for row in &self.rows {
            widths.widen(row);
        }
        self.rows
            .iter()
            .map(|row| format!("{}\n", widths.line(row)))
            .collect()
    }
}

/// A table whose rows come one by one: the heading comes with the first, and a column is as wide as it ever was.
#[derive(Debug, Clone)]
pub(crate) struct Growing {
    heading: Option<Vec<String>>,
    widths: Widths,
}

impl Growing {
    pub(crate) fn new(heading: &[&str]) -> Self {
        Self {
            heading: Some(heading.iter().map(|cell| (*cell).to_owned()).collect()),
            widths: Widths::default(),
        }
    }

    /// The row, below the heading where it is the first.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) -> String {
        let row: Vec<_> = cells.into_iter().map(one_line).collect();
        let rows: Vec<_> = self.heading.take().into_iter().chain([row]).collect();
        for row in &rows {
            self.widths.widen(row);
        }
        let lines: Vec<_> = rows.iter().map(|row| self.widths.line(row)).collect();
        lines.join("\n")
    }
}

#[derive(Debug, Clone, Default)]
struct Widths(Vec<usize>);

impl Widths {
    fn widen(&mut self, row: &[String]) {
        self.0.resize(self.0.len().max(row.len()), 0);
        for (width, cell) in self.0.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }

    fn line(&self, row: &[String]) -> String {
        let cells: String = row
            .iter()
            .zip(&self.0)
            .map(|(cell, width)| format!("{cell:<0$}", width + GAP))
            .collect();
        cells.trim_end().to_owned()
    }
}

/// A cell is one line, and nothing in it moves the cursor.
fn one_line(cell: String) -> String {
    cell.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::{Growing, Table};

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["NAME", "AGE"]);
        table.row(["a-long-name".to_owned(), "5s".to_owned()]);
        table.row(["b".to_owned(), "<none>".to_owned()]);
        assert_eq!(
            table.render(),
            "NAME          AGE\na-long-name   5s\nb             <none>\n"
        );
    }

    #[test]
    fn a_table_that_grows_keeps_its_columns() {
        let mut table = Growing::new(&["NAME", "AGE"]);
        let cells = |name: &str, age: &str| [name.to_owned(), age.to_owned()];
        assert_eq!(table.row(cells("long", "5s")), "NAME   AGE\nlong   5s");
        assert_eq!(table.row(cells("longer", "5s")), "longer   5s");
        assert_eq!(table.row(cells("b", "5s")), "b        5s");
    }

    #[test]
    fn a_cell_cannot_leave_its_place() {
        let mut table = Table::new(&["A"]);
        table.row(["x\n\u{1b}[2Jy".to_owned()]);
        assert_eq!(table.render(), "A\nx  [2Jy\n");
    }
}
