use proptest::prelude::*;

use super::*;
use crate::decode::LinkType;
use crate::time::Timestamp;

/// Time, original length and bytes.
type Copied = (Timestamp, usize, Vec<u8>);

/// All records, and the error that ended the reading.
fn read_all(bytes: &[u8]) -> (Vec<Copied>, Option<CaptureError>) {
    let mut records = Vec::new();
    let mut reader = match CaptureReader::new(bytes) {
        Ok(reader) => reader,
        Err(error) => return (records, Some(error)),
    };
    loop {
        match reader.next() {
            Ok(Some(record)) => {
                records.push((record.time, record.original_length, record.bytes.to_vec()));
            }
            Ok(None) => return (records, None),
            Err(error) => {
                assert!(reader.next().unwrap().is_none());
                return (records, Some(error));
            }
        }
    }
}

fn written(times: &[u64]) -> Vec<u8> {
    let mut writer = CaptureWriter::new(Vec::new());
    for (n, time) in times.iter().enumerate() {
        writer
            .record(Timestamp::from_nanos(*time), |out| {
                out.extend(std::iter::repeat_n(0xab, 60 + n));
            })
            .unwrap();
    }
    writer.finish().unwrap()
}

#[test]
fn a_frame_that_was_cut_keeps_its_length() {
    let mut writer = CaptureWriter::new(Vec::new());
    for original in [1500, 3] {
        let written = writer.record_cut(Timestamp::ZERO, original, |out| out.extend([7; 60]));
        written.unwrap();
    }
    let (records, error) = read_all(&writer.finish().unwrap());
    assert!(error.is_none());
    let lengths: Vec<_> = records.iter().map(|(_, length, _)| *length).collect();
    assert_eq!(lengths, [1500, 60]);
}

#[test]
fn frames_that_begin_otherwise_are_written_as_such() {
    for link_type in [LinkType::RAW, LinkType::ETHERNET, LinkType::LINUX_SLL2] {
        let mut writer = CaptureWriter::with_nanos_of(Vec::new(), link_type);
        let time = Timestamp::from_nanos(7);
        writer.record(time, |out| out.push(0x45)).unwrap();
        let bytes = writer.finish().unwrap();
        let mut reader = CaptureReader::new(&bytes[..]).unwrap();
        let record = reader.next().unwrap().unwrap();
        assert_eq!((record.link_type, record.time), (link_type, time));
    }
}

fn header(big: bool, magic: u32, link_type: u32) -> Vec<u8> {
    [magic, 0x0004_0002, 0, 0, 65535, link_type]
        .iter()
        .flat_map(|word| word32(big, *word))
        .collect()
}

fn word32(big: bool, word: u32) -> [u8; 4] {
    if big {
        word.to_be_bytes()
    } else {
        word.to_le_bytes()
    }
}

fn block(big: bool, kind: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len().next_multiple_of(4) + 12).unwrap();
    let mut out = Vec::new();
    out.extend(word32(big, kind));
    out.extend(word32(big, length));
    out.extend(body);
    out.resize(out.len().next_multiple_of(4), 0);
    out.extend(word32(big, length));
    out
}

fn words(big: bool, words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word32(big, *word)).collect()
}

fn section(big: bool) -> Vec<u8> {
    let mut body = words(big, &[0x1a2b_3c4d]);
    body.extend(if big { [0, 1, 0, 0] } else { [1, 0, 0, 0] });
    body.extend([0xff; 8]);
    block(big, 0x0a0d_0d0a, &body)
}

fn interface(big: bool, link_type: u8, options: &[u8]) -> Vec<u8> {
    let mut body = if big {
        vec![0, link_type, 0, 0]
    } else {
        vec![link_type, 0, 0, 0]
    };
    body.extend(word32(big, 64));
    body.extend(options);
    block(big, 1, &body)
}

#[test]
fn both_byte_orders_and_both_resolutions_are_read() {
    for big in [false, true] {
        for (magic, nanos) in [(0xa1b2_c3d4, 7_000), (0xa1b2_3c4d, 7)] {
            let mut file = header(big, magic, 1);
            file.extend(words(big, &[3, 7, 2, 900]));
            file.extend([1, 2]);
            let (records, error) = read_all(&file);
            assert!(error.is_none());
            let time = Timestamp::from_parts(3, nanos);
            assert_eq!(records, [(time, 900, vec![1, 2])]);
        }
    }
}

#[test]
fn a_record_beyond_the_snapshot_length_is_read() {
    let mut file = header(false, 0xa1b2_c3d4, 1);
    file[16] = 1;
    file[17] = 0;
    file.extend(words(false, &[3, 2_000_000, 4, 3, 0x0102_0304]));
    let (records, error) = read_all(&file);
    assert!(error.is_none());
    assert_eq!(records[0].0, Timestamp::from_parts(5, 0));
    assert_eq!(records[0].2.len(), 4);
}

#[test]
fn the_frames_before_a_cut_are_delivered() {
    let whole = written(&[1_000, 2_000, 3_000]);
    let (records, error) = read_all(&whole[..whole.len() - 5]);
    assert_eq!(records.len(), 2);
    let offset = 24 + 16 + 60 + 16 + 61;
    match error {
        Some(CaptureError::Truncated {
            record: 3,
            offset: at,
            needed: 78,
            available: 73,
        }) => assert_eq!(at, offset),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_no_capture_is_named() {
    let gzip = read_all(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0]).1.unwrap();
    assert!(gzip.to_string().contains("gunzip"), "{gzip}");
    let text = read_all(b"12:00:01.5 IP a > b: S 1:1(0)").1.unwrap();
    assert!(matches!(text, CaptureError::Foreign(Foreign::Text)));
    assert!(matches!(read_all(&[]).1, Some(CaptureError::Empty)));
    let cut = &written(&[])[..20];
    assert!(matches!(
        read_all(cut).1,
        Some(CaptureError::TruncatedHeader { available: 20 })
    ));
    let own = read_all(&header(false, 0xa1b2_c3d4, 147)).1.unwrap();
    assert!(own.to_string().contains("(147)"), "{own}");
    let mut absurd = header(true, 0xa1b2_c3d4, 1);
    absurd.extend(words(true, &[0, 0, 0x7fff_ffff, 60]));
    assert!(matches!(
        read_all(&absurd).1,
        Some(CaptureError::AbsurdLength { record: 1, .. })
    ));
}

#[test]
fn pcapng_interfaces_have_their_own_clocks() {
    for big in [false, true] {
        let option = |code: u16, value: &[u8]| {
            let length = u16::try_from(value.len()).unwrap();
            let mut out = Vec::new();
            for word in [code, length] {
                out.extend(if big {
                    word.to_be_bytes()
                } else {
                    word.to_le_bytes()
                });
            }
            out.extend(value);
            out.resize(out.len().next_multiple_of(4), 0);
            out
        };
        let offset = if big {
            10i64.to_be_bytes()
        } else {
            10i64.to_le_bytes()
        };
        let nanos = [option(9, &[9]), option(14, &offset), option(0, &[])].concat();
        // A time zone of four bytes, which the draft once had and pcap-file refuses.
        let odd = [option(10, &[0; 4]), option(9, &[0x80 | 1])].concat();
        let file = [
            section(big),
            interface(big, 1, &nanos),
            block(big, 0x0bad, &[1, 2, 3]),
            interface(big, 101, &odd),
            block(
                big,
                6,
                &words(big, &[0, 0, 1_000_000_005, 3, 90, 0x0102_0304]),
            ),
            block(big, 6, &words(big, &[1, 0, 7, 4, 4, 0x0102_0304])),
            block(big, 3, &words(big, &[4, 0x0102_0304])),
        ]
        .concat();
        let mut reader = CaptureReader::new(file.as_slice()).unwrap();
        let first = reader.next().unwrap().unwrap();
        assert_eq!(first.time, Timestamp::from_parts(11, 5));
        assert_eq!((first.bytes.len(), first.original_length), (3, 90));
        let second = reader.next().unwrap().unwrap();
        assert_eq!(second.time, Timestamp::from_parts(3, 500_000_000));
        assert_eq!(second.link_type, LinkType::RAW);
        let third = reader.next().unwrap().unwrap();
        assert_eq!((third.time, third.bytes.len()), (Timestamp::ZERO, 4));
        assert!(reader.next().unwrap().is_none());
    }
}

#[test]
fn a_packet_of_an_undescribed_interface_is_damage() {
    let file = [section(false), block(false, 6, &words(false, &[0; 6]))].concat();
    let error = read_all(&file).1.unwrap();
    assert!(matches!(
        error,
        CaptureError::DamagedBlock { offset: 28, .. }
    ));
}

#[test]
fn the_writer_refuses_what_the_format_cannot_say() {
    let mut writer = CaptureWriter::new(Vec::new());
    assert!(writer.record(Timestamp::MAX, |_| {}).is_err());
}

proptest! {
    #[test]
    fn what_was_written_is_read(
        frames in proptest::collection::vec((0..1u64 << 61, proptest::collection::vec(any::<u8>(), 0..2000)), 0..50),
        nanos: bool,
    ) {
        let mut writer = if nanos {
            CaptureWriter::with_nanos(Vec::new())
        } else {
            CaptureWriter::new(Vec::new())
        };
        for (time, bytes) in &frames {
            writer.record(Timestamp::from_nanos(*time), |out| out.extend(bytes)).unwrap();
        }
        let (records, error) = read_all(&writer.finish().unwrap());
        prop_assert!(error.is_none());
        prop_assert_eq!(records.len(), frames.len());
        for ((time, length, bytes), (said, frame)) in records.iter().zip(&frames) {
            let expected = if nanos { *said } else { said - said % 1000 };
            prop_assert_eq!(time.as_nanos(), expected);
            prop_assert_eq!(*length, frame.len());
            prop_assert_eq!(bytes, frame);
        }
    }

    #[test]
    fn no_bytes_panic(magic in 0usize..4, bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut file = match magic {
            0 => Vec::new(),
            1 => header(false, 0xa1b2_c3d4, 1),
            2 => section(true),
            _ => [section(false), interface(false, 1, &[])].concat(),
        };
        file.extend(bytes);
        read_all(&file);
    }

    #[test]
    fn any_cut_is_an_error_or_the_end(cut in 0usize..400) {
        let whole = written(&[1_000, 2_000, 3_000]);
        let cut = cut.min(whole.len());
        let (records, error) = read_all(&whole[..cut]);
        let ends = [24, 24 + 76, 24 + 76 + 77, 24 + 76 + 77 + 78];
        prop_assert_eq!(error.is_none(), ends.contains(&cut));
        prop_assert!(records.len() <= 3);
    }
}
