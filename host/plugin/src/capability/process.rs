//! What any program expects and what conveys no authority: streams and pollables, an empty environment, an exit, standard
//! streams. Standard input is at its end; what is written to standard output and standard error goes to the
//! host's log, line by line, within the log's limits.

use std::pin::Pin;
use std::task::{Context, Poll};

use slipway_config::plugin::Grants;
use tokio::io::AsyncWrite;
use wasmtime::component::{Linker, ResourceTable};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream, WasiCli, WasiCliView as _};
use wasmtime_wasi::p2::bindings::{cli, io};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use super::log::{Level, LogSession};
use super::{Access, Capability};
use crate::ExtensionPoint;
use crate::bindings::import::types;
use crate::call::{CallState, Table, table};

/// What conveys no authority.
pub(crate) struct Process;

impl Capability for Process {
    fn interfaces(&self) -> &'static [&'static str] {
        &[
            "wasi:io/error",
            "wasi:io/poll",
            "wasi:io/streams",
            "wasi:cli/environment",
            "wasi:cli/exit",
            "wasi:cli/stdin",
            "wasi:cli/stdout",
            "wasi:cli/stderr",
            "wasi:cli/terminal-input",
            "wasi:cli/terminal-output",
            "wasi:cli/terminal-stdin",
            "wasi:cli/terminal-stdout",
            "wasi:cli/terminal-stderr",
            "slipway:plugin/types",
        ]
    }

    fn access(&self, _: &Grants, _: ExtensionPoint) -> Access {
        Access::Open
    }

    fn link(&self, linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
        io::error::add_to_linker::<CallState, Table>(linker, table)?;
        io::poll::add_to_linker::<CallState, Table>(linker, table)?;
        io::streams::add_to_linker::<CallState, Table>(linker, table)?;
        cli::environment::add_to_linker::<CallState, WasiCli>(linker, CallState::cli)?;
        cli::exit::add_to_linker::<CallState, WasiCli>(linker, CallState::cli)?;
        cli::stdin::add_to_linker::<CallState, WasiCli>(linker, CallState::cli)?;
        cli::stdout::add_to_linker::<CallState, WasiCli>(linker, CallState::cli)?;
        cli::stderr::add_to_linker::<CallState, WasiCli>(linker, CallState::cli)?;
        cli::terminal_input::add_to_linker::<CallState, WasiCli>(linker, CallState::cli)?;
        cli::terminal_output::add_to_linker::<CallState, WasiCli>(linker, CallState::cli)?;
        cli::terminal_stdin::add_to_linker::<CallState, WasiCli>(linker, CallState::cli)?;
        cli::terminal_stdout::add_to_linker::<CallState, WasiCli>(linker, CallState::cli)?;
        cli::terminal_stderr::add_to_linker::<CallState, WasiCli>(linker, CallState::cli)?;
        types::add_to_linker::<CallState, Table>(linker, table)
    }
}

/// It has types only.
impl types::Host for ResourceTable {}

/// Sends the standard streams of a call to its log.
pub(crate) fn configure(builder: &mut WasiCtxBuilder, log: &LogSession) {
    builder
        .stdout(LogStream::new(log, Level::Debug))
        .stderr(LogStream::new(log, Level::Info));
}

/// A stream whose lines become entries of the log.
#[derive(Clone)]
struct LogStream {
    log: LogSession,
    level: Level,
    line: Vec<u8>,
}

impl LogStream {
    /// Longer lines are broken.
    const LINE_BYTES: usize = 4096;

    fn new(log: &LogSession, level: Level) -> Self {
        Self {
            log: log.clone(),
            level,
            line: Vec::new(),
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if byte != b'\n' {
                self.line.push(byte);
            }
            if byte == b'\n' || self.line.len() >= Self::LINE_BYTES {
                self.emit();
            }
        }
    }

    fn emit(&mut self) {
        let line = String::from_utf8_lossy(&self.line);
        if !line.trim().is_empty() {
            self.log.write(self.level, &line, &[]);
        }
        self.line.clear();
    }
}

impl Drop for LogStream {
    fn drop(&mut self) {
        self.emit();
    }
}

impl IsTerminal for LogStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LogStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(Self::new(&self.log, self.level))
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(Self::new(&self.log, self.level))
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for LogStream {
    async fn ready(&mut self) {}
}

impl OutputStream for LogStream {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(Self::LINE_BYTES)
    }
}

impl AsyncWrite for LogStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
