// SPDX-License-Identifier: Apache-2.0
#include "ikealg/gateway/held_path.hpp"

#include "gateway/harness.hpp"

using namespace ikealg_tests;

TEST_CASE_TEMPLATE("G4, G14: a message that another client's gate keeps waiting goes on when the SPI is bound, behind the burst", F, ipv4, ipv6) {
    basic_world<F> w;
    basic_tunnel<F> a(w, 1);
    basic_tunnel<F> b(w, 2);
    a.phase1();
    b.phase1();
    CHECK(a.out(exchange_type::create_child_sa, 2).forwarded());
    const outcome second = b.out(exchange_type::create_child_sa, 2);
    CHECK(second.held);
    w.pass(10ms);
    CHECK(a.in(exchange_type::create_child_sa, 2).forwarded());
    CHECK(a.esp_out(0xb001).forwarded());
    CHECK(w.take_others().empty());
    w.pass(3ms);
    (void)w.take_others();
    w.pass(8ms);
    CHECK(a.got(0xa001));
    w.pass(100ms);
    bool released = false;
    for (const auto& o : w.others) {
        released = released || (o.tag == second.tag && o.forwarded() && source_in<F>(o.data) == at<F>::nat() && source_port_in(o.data) == b.nat_port);
    }
    CHECK(released);
    CHECK(w.count(counter::phase2_held) == 1);
}
