#pragma once

namespace machine::local {

enum class Stream { out, err };

/// Returns true if the stream is a terminal, not a file or a pipe.
bool is_terminal(Stream stream);

/// Returns the columns of the terminal; 0 where the stream is not a terminal or does not tell.
unsigned terminal_width(Stream stream);

/// Returns true if the terminal shows ANSI colours (false for TERM=dumb). On Windows, first switches the console to
/// UTF-8 and to escape sequences.
bool prepare_terminal(Stream stream);

/// Rows of the terminal; 0 when the stream is none or does not say, as a serial console does not.
unsigned terminal_height(Stream stream);

/// Whether the terminal shows UTF-8: by the locale, as other programs judge it. What does not could take a part of a
/// character for a command.
bool terminal_shows_utf8();

/// Whether the terminal's window was opened for this program alone, and closes with it: started by a double click.
bool window_closes_with_us();

}  // namespace machine::local
