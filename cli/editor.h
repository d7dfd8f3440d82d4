// Editing a document: from standard input when that is no terminal, else in the user's editor.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"

namespace cella::cli {

// Opens text in $VISUAL, $EDITOR or the first of editor, vim, vi, nano, emacs; returns what was saved.
// Errors: kNotFound without an editor; kIo when it ends with a failure.
Result<std::string> edit_text(const std::string& text);

// Runs one edit of a YAML document.
// document: shown below `comment` (each of its lines starts with "#"). apply: checks the result and sends it; when it
// fails, the error is printed and the editor is offered again until it succeeds or the user gives up (Ctrl-C).
// Unchanged text is not applied. Without a terminal standard input is applied once.
Result<void> edit_document(const std::string& comment, const std::string& document,
                           const std::function<Result<void>(const std::string& yaml)>& apply);

}  // namespace cella::cli
