use std::io::{Cursor, Write};

use polars::io::mmap::MmapBytesReader;
use polars::prelude::{
    BatchedWriter, Column, DataFrame, DataType, NamedFrom, ParquetCompression, ParquetReader,
    ParquetWriter, PolarsError, SerReader, Series, StatisticsOptions,
};

use crate::table::{ColumnData, TableData};

/// Fixed, so that no default of the library or of the machine has a part in the bytes.
const ROW_GROUP: usize = 1 << 18;

/// The table as a Parquet file, always the same bytes for the same table. The error is what
/// is wrong with the table: columns of different length, or two with one name.
pub(crate) fn to_bytes(table: &TableData) -> Result<Vec<u8>, String> {
    let mut frame = to_frame(table)?;
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes)
        .with_compression(ParquetCompression::Zstd(None))
        .with_statistics(StatisticsOptions::default())
        .with_row_group_size(Some(ROW_GROUP))
        .set_parallel(false)
        .finish(&mut frame)
        .map_err(say)?;
    Ok(bytes)
}

/// How many rows a table that is written in a stream has in a row group, which is what must be
/// held in memory to write or to read it.
pub(crate) const STREAM_GROUP: usize = 1 << 16;

/// Writes a table in a stream, always the same bytes for the same rows.
pub(crate) struct Stream<W: Write> {
    out: BatchedWriter<W>,
}

impl<W: Write> Stream<W> {
    /// Begins with the columns of a table.
    pub(crate) fn new(out: W, columns: &TableData) -> Result<Self, String> {
        let out = ParquetWriter::new(out)
            .with_compression(ParquetCompression::Zstd(None))
            .with_statistics(StatisticsOptions::default())
            .set_parallel(false)
            .batched(to_frame(columns)?.schema())
            .map_err(say)?;
        Ok(Self { out })
    }

    /// Writes a row group.
    pub(crate) fn write(&mut self, group: &TableData) -> Result<(), String> {
        self.out.write_batch(&to_frame(group)?).map_err(say)
    }

    /// Writes the end. The writer goes with it: who needs it shares it.
    pub(crate) fn finish(self) -> Result<(), String> {
        self.out.finish().map(drop).map_err(say)
    }
}

/// So many rows of the table in a Parquet file from a row on. The error is what is wrong with
/// the file.
pub(crate) fn rows(
    file: impl MmapBytesReader,
    start: usize,
    rows: usize,
) -> Result<TableData, String> {
    from_frame(&ParquetReader::new(file).with_slice(Some((start, rows))).finish().map_err(say)?)
}

/// The table in a Parquet file. The error is what is wrong with the file.
pub(crate) fn from_bytes(bytes: Vec<u8>) -> Result<TableData, String> {
    from_frame(&ParquetReader::new(Cursor::new(bytes)).finish().map_err(say)?)
}

fn to_frame(table: &TableData) -> Result<DataFrame, String> {
    let columns = table.columns.iter().map(|(name, column)| to_series(name, column).into());
    DataFrame::new(table.rows(), columns.collect()).map_err(say)
}

fn from_frame(frame: &DataFrame) -> Result<TableData, String> {
    let columns =
        frame.columns().iter().map(|column| Ok((column.name().to_string(), from_column(column)?)));
    Ok(TableData { columns: columns.collect::<Result<_, String>>()? })
}

fn to_series(name: &str, column: &ColumnData) -> Series {
    match column {
        ColumnData::Text(cells) => Series::new(name.into(), cells),
        ColumnData::Integer(cells) => Series::new(name.into(), cells),
        ColumnData::Real(cells) => Series::new(name.into(), cells),
        ColumnData::Bool(cells) => Series::new(name.into(), cells),
    }
}

fn from_column(column: &Column) -> Result<ColumnData, String> {
    Ok(match column.dtype() {
        DataType::String => {
            let cells = column.str().map_err(say)?;
            ColumnData::Text(cells.iter().map(|cell| cell.map(str::to_owned)).collect())
        }
        DataType::Int64 => ColumnData::Integer(column.i64().map_err(say)?.iter().collect()),
        DataType::Float64 => ColumnData::Real(column.f64().map_err(say)?.iter().collect()),
        DataType::Boolean => ColumnData::Bool(column.bool().map_err(say)?.iter().collect()),
        other => return Err(format!("the column {} is of type {other}", column.name())),
    })
}

fn say(error: PolarsError) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(rows: usize) -> TableData {
        let cells = |rows: usize| (0..rows).map(|n| (n % 7 != 3).then_some(n));
        TableData::default()
            .with(
                "name",
                ColumnData::Text(cells(rows).map(|n| Some(format!("Zoë {}", n? % 50))).collect()),
            )
            .with(
                "cents",
                ColumnData::Integer(cells(rows).map(|n| Some(n? as i64 * -1250)).collect()),
            )
            .with("weight", ColumnData::Real(cells(rows).map(|n| Some(n? as f64 / 3.0)).collect()))
            .with("accepted", ColumnData::Bool(cells(rows).map(|n| Some(n? % 2 == 0)).collect()))
    }

    #[test]
    fn a_table_comes_back_as_it_was() {
        for rows in [0, 1, 4, 1000] {
            let table = sample(rows);
            assert_eq!(from_bytes(to_bytes(&table).unwrap()).unwrap(), table, "{rows} rows");
        }
    }

    #[test]
    fn the_same_table_gives_the_same_bytes() {
        let rows = ROW_GROUP + 100_000;
        let bytes = to_bytes(&sample(rows)).unwrap();
        assert_eq!(to_bytes(&sample(rows)).unwrap(), bytes);
        assert_eq!(from_bytes(bytes).unwrap(), sample(rows));
    }

    #[test]
    fn empty_text_and_no_text_are_told_apart() {
        let cells = vec![Some(String::new()), None, Some("\0".into()), Some("x".repeat(100_000))];
        let table = TableData::default()
            .with("note", ColumnData::Text(cells))
            .with("none", ColumnData::Real(vec![None; 4]));
        assert_eq!(from_bytes(to_bytes(&table).unwrap()).unwrap(), table);
    }

    #[test]
    fn a_table_without_columns_is_a_table() {
        let table = TableData::default();
        assert_eq!(from_bytes(to_bytes(&table).unwrap()).unwrap(), table);
    }

    #[test]
    fn columns_that_do_not_fit_together_are_refused() {
        let column = |cells| ColumnData::Bool(vec![None; cells]);
        assert!(to_bytes(&TableData::default().with("a", column(1)).with("b", column(2))).is_err());
        assert!(to_bytes(&TableData::default().with("a", column(1)).with("a", column(1))).is_err());
    }
}
