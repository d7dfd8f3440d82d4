// Undo steps that run, last first, unless the work they belong to is committed.
#pragma once

#include <functional>
#include <utility>
#include <vector>

namespace cella {

// Collects undo steps while something is being made. Destroyed without commit(): runs them in reverse order.
// Steps must not throw; a step that can fail handles that itself. Not thread-safe.
class Rollback {
 public:
  Rollback() = default;
  Rollback(const Rollback&) = delete;
  Rollback& operator=(const Rollback&) = delete;
  Rollback(Rollback&& other) noexcept : steps_(std::exchange(other.steps_, {})) {}
  Rollback& operator=(Rollback&&) = delete;
  ~Rollback() { undo(); }

  void add(std::function<void()> step) { steps_.push_back(std::move(step)); }

  // The work is done: forget the steps.
  void commit() { steps_.clear(); }

  // Runs the steps now.
  void undo() {
    while (!steps_.empty()) {
      auto step = std::move(steps_.back());
      steps_.pop_back();
      step();
    }
  }

 private:
  std::vector<std::function<void()>> steps_;
};

}  // namespace cella
