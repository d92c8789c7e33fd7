// SPDX-License-Identifier: Apache-2.0
/// The two gate tables against the rules, as a table of another shape: what each event leads to in each state.
#include "ikealg/alg/gate.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace ikealg::alg;

namespace {

constexpr slot_row row(slot_state s, slot_event e) {
    return practical_slot_table[static_cast<std::size_t>(s)][static_cast<std::size_t>(e)];
}
constexpr junos_row row(junos_state s, junos_event e) {
    return junos_slot_table[static_cast<std::size_t>(s)][static_cast<std::size_t>(e)];
}
template <class Enum>
std::size_t distinct_names(std::size_t count) {
    std::set<std::string> names;
    for (std::size_t i = 0; i < count; ++i) {
        names.emplace(to_string(static_cast<Enum>(i)));
    }
    return names.size();
}

}  // namespace

TEST_CASE("G4: whoever does not hold the slot waits, in every state but free") {
    for (const auto e : {slot_event::request_other, slot_event::enable_other, slot_event::esp_out_other}) {
        CHECK(row(slot_state::free, e).action == slot_action::take);
        for (const auto s : {slot_state::wait, slot_state::gate, slot_state::learning, slot_state::settle}) {
            CHECK(row(s, e) == slot_row{s, slot_action::queue});
        }
    }
    CHECK(row(slot_state::free, slot_event::request_other).next == slot_state::wait);
    CHECK(row(slot_state::free, slot_event::enable_other).next == slot_state::gate);
    CHECK(row(slot_state::free, slot_event::esp_out_other).next == slot_state::learning);
}

TEST_CASE("G8: after a bind the holder queues for whatever comes next") {
    for (const auto e : {slot_event::request_holder, slot_event::enable_holder, slot_event::esp_out_holder}) {
        CHECK(row(slot_state::settle, e) == slot_row{slot_state::settle, slot_action::queue});
    }
}

TEST_CASE("E4: an SPI too early for an answer is never the holder's") {
    for (const auto s : {slot_state::wait, slot_state::gate, slot_state::learning}) {
        CHECK(row(s, slot_event::esp_in_early) == slot_row{s, slot_action::drop_early});
    }
}

TEST_CASE("E13: a second SPI refutes a guess until the next tenure") {
    for (const auto s : {slot_state::free, slot_state::settle}) {
        CHECK(row(s, slot_event::esp_in_refuting) == slot_row{slot_state::free, slot_action::take_back});
    }
}

TEST_CASE("G13: a bind frees the slot when nobody else claims, keeps it for further exchanges, and settles otherwise") {
    for (const auto s : {slot_state::gate, slot_state::learning}) {
        CHECK(row(s, slot_event::esp_in_last) == slot_row{slot_state::free, slot_action::bind});
        CHECK(row(s, slot_event::esp_in_contended) == slot_row{slot_state::settle, slot_action::bind});
        CHECK(row(s, slot_event::esp_in_more) == slot_row{s, slot_action::bind});
    }
}

TEST_CASE("G10: every tenure ends by its timer and by release") {
    for (const auto s : {slot_state::wait, slot_state::gate, slot_state::learning, slot_state::settle}) {
        CHECK(row(s, slot_event::timer).next == slot_state::free);
        CHECK(row(s, slot_event::release) == slot_row{slot_state::free, slot_action::pass_on});
    }
    CHECK(row(slot_state::gate, slot_event::timer).action == slot_action::park_pass_on);
    CHECK(row(slot_state::learning, slot_event::timer).action == slot_action::park_pass_on);
    CHECK(row(slot_state::wait, slot_event::timer).action == slot_action::pass_on);
}

TEST_CASE("G6: junos refuses another client's gates while any is open, and another exchange of the holder as busy") {
    for (const auto s : {junos_state::both, junos_state::in, junos_state::out}) {
        CHECK(row(s, junos_event::phase2_other) == junos_row{s, junos_action::drop_gate_failed});
        CHECK(row(s, junos_event::phase2_holder) == junos_row{s, junos_action::drop_busy});
        CHECK(row(s, junos_event::phase2_same) == junos_row{s, junos_action::restart});
        CHECK(row(s, junos_event::esp_out_other).action == junos_action::drop_no_gate);
        CHECK(row(s, junos_event::timer) == junos_row{junos_state::free, junos_action::close});
    }
    CHECK(row(junos_state::free, junos_event::esp_in).action == junos_action::drop_no_gate);
    CHECK(row(junos_state::both, junos_event::esp_out_holder).next == junos_state::in);
    CHECK(row(junos_state::both, junos_event::esp_in).next == junos_state::out);
    CHECK(row(junos_state::in, junos_event::esp_in) == junos_row{junos_state::free, junos_action::bind});
    CHECK(row(junos_state::out, junos_event::esp_out_holder) == junos_row{junos_state::free, junos_action::bind});
    CHECK(row(junos_state::out, junos_event::esp_in).action == junos_action::drop_no_gate);
    CHECK(row(junos_state::in, junos_event::esp_out_holder).action == junos_action::drop_no_gate);
}

TEST_CASE("every state and event has a name of its own") {
    CHECK(distinct_names<slot_state>(slot_state_count) == slot_state_count);
    CHECK(distinct_names<slot_event>(slot_event_count) == slot_event_count);
    CHECK(distinct_names<junos_state>(junos_state_count) == junos_state_count);
    CHECK(distinct_names<junos_event>(junos_event_count) == junos_event_count);
}
