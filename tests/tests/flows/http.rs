//! HTTP as far as a server of a test's own needs it.

use std::io::{self, Read as _};

/// One request, with its body.
pub(super) fn read(stream: &mut impl io::BufRead) -> io::Result<String> {
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        if stream.read_line(&mut request)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    let length = request
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, length)| length.parse().ok())
        .unwrap_or_default();
    stream.take(length).read_to_string(&mut request)?;
    Ok(request)
}
