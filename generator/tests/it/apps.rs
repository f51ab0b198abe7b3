//! What applications say: each in a world of a client and a server, as the sensor between them sees it.

use crate::micro::{read, record};
use wire::Layers;
use wire::capture::CaptureReader;
use wire::decode::Transport;

const WORLD: &str = r#"
id = "micro"
title = "micro"
family = "session"
summary = "a test"
source = "a test"
start = "2000-05-14T12:00:00Z"
duration = "600s"
[site.outside]
prefixes = ["198.51.100.0/24"]
[site.home]
prefixes = ["192.0.2.0/24"]
[path.internet]
between = ["outside", "home"]
hops = 4
delay = "10ms"
[host.client]
site = "outside"
address = "198.51.100.1"
stack = "linux-2.2"
[host.server]
site = "home"
address = "192.0.2.10"
stack = "solaris-7"
[sensor.home]
site = "home"
"#;

/// A frame as a line: `> 1024 25 P. HELO x`, from whom, both ports, flags or protocol, and its text.
fn run(parts: &str) -> Vec<String> {
    let file = read(&format!("{WORLD}{parts}")).unwrap();
    let (bytes, _) = record(&file, 3);
    let mut reader = CaptureReader::new(bytes.as_slice()).unwrap();
    let mut lines = Vec::new();
    let mut first = None;
    while let Some(record) = reader.next().unwrap() {
        let first = *first.get_or_insert(record.time);
        let layers = Layers::decode(record.link_type, record.bytes);
        let Some((source, _)) = layers.addresses() else {
            continue;
        };
        let arrow = if source.to_string().starts_with("198.51.100.") {
            '>'
        } else {
            '<'
        };
        let (a, b) = layers.ports().unwrap_or_default();
        let kind = match &layers.transport {
            Transport::Tcp(tcp) => format!(
                "{}{}",
                tcp.flags,
                if tcp.urgent > 0 {
                    format!(" urg {}", tcp.urgent)
                } else {
                    String::new()
                }
            ),
            Transport::Udp(_) => "udp".into(),
            Transport::Icmp(icmp) => format!("icmp {}/{}", icmp.icmp_type, icmp.code),
            _ => continue,
        };
        let seconds = record.time.nanos_since(first) / 1_000_000_000;
        let text: String = String::from_utf8_lossy(layers.payload)
            .chars()
            .filter(|c| !c.is_control())
            .take(60)
            .collect();
        lines.push(format!("{seconds} {arrow} {a} {b} {kind} {text}"));
    }
    lines
}

fn session(app: &str, client: &str, server: &str) -> Vec<String> {
    run(&format!(
        "[host.server.service.it]\napp = \"{app}\"\n{server}\n[activity.it]\napp = \"{app}\"\nfrom = \"client\"\nto = \"server\"\n{client}\n"
    ))
}

fn has(lines: &[String], text: &str) -> bool {
    lines.iter().any(|line| line.contains(text))
}

#[test]
fn every_application_of_lines_speaks_and_parts_in_order() {
    for app in [
        "finger",
        "ftp",
        "http-1.0",
        "ident",
        "imap",
        "irc",
        "line-printer",
        "news",
        "pop",
        "rlogin",
        "smtp",
        "telnet",
    ] {
        let lines = session(app, "", "");
        let fins = lines
            .iter()
            .filter(|line| line.contains(" F. ") || line.contains(" FP. "))
            .count();
        let said = |arrow: char| {
            lines
                .iter()
                .any(|line| line.contains(&format!(" {arrow} ")) && line.contains(" P. "))
        };
        assert!(said('>') && said('<'), "{app}: {lines:#?}");
        assert!(fins >= 2, "{app}: both sides close: {lines:#?}");
        assert!(!has(&lines, " R "), "{app}: nobody resets: {lines:#?}");
    }
}

#[test]
fn mail_is_delivered_and_a_stranger_refused() {
    let lines = session("smtp", "recipient = \"carol@example.com\"", "");
    for text in [
        "220 mail.example.com ESMTP",
        "EHLO mail.example.org",
        "RCPT TO:<carol@example.com>",
        "354 End data",
        "queued as",
        "221 2.0.0",
    ] {
        assert!(has(&lines, text), "{text}: {lines:#?}");
    }
    let refused = session("smtp", "", "refuses = \"100%\"");
    assert!(
        has(&refused, "550 5.1.1") && !has(&refused, "DATA") && has(&refused, "QUIT"),
        "{refused:#?}"
    );
}

#[test]
fn a_server_that_asks_who_is_calling_waits_for_ident() {
    let parts = |port: &str| {
        run(&format!(
            "[host.client.port]\n113 = \"{port}\"\n[host.server.service.mail]\napp = \"sendmail\"\nrecipients = \"relayed\"\n\
             [activity.test]\ntool = \"connect\"\nfrom = \"client\"\nto = \"server\"\nports = 25\n\
             script = [\"expect 220\", \"line HELO relaytest.example.net\", \"expect 250\", \"line MAIL FROM:<a@example.org>\", \
             \"expect 250\", \"line RCPT TO:<b@example.com>\", \"expect 550\", \"line QUIT\", \"expect 221\"]\n"
        ))
    };
    let greeting = |lines: &[String]| -> u64 {
        let line = lines.iter().find(|line| line.contains("220 mail")).unwrap();
        line.split(' ').next().unwrap().parse().unwrap()
    };
    let open = parts("closed");
    assert!(has(&open, " 113 S ") && greeting(&open) == 0, "{open:#?}");
    assert_eq!(greeting(&parts("filtered")), 30);
    assert!(
        has(&open, "<b@example.com>... Relaying denied"),
        "{open:#?}"
    );
}

#[test]
fn a_chat_server_looks_for_proxies_before_it_lets_in() {
    let lines = session("irc", "nick = \"walter\"", "");
    for port in [113, 1080, 3128, 8000, 8080] {
        let tried = lines
            .iter()
            .any(|line| line.contains(&format!(" {port} S ")));
        assert!(tried, "{port}: {lines:#?}");
    }
    assert!(has(&lines, "001 walter"), "{lines:#?}");
    let proxy = run(
        "[host.client.service.proxy]\napp = \"accept\"\nport = 1080\n[host.server.service.chat]\napp = \"irc\"\n[activity.chat]\napp = \"irc\"\nfrom = \"client\"\nto = \"server\"\n",
    );
    assert!(
        has(&proxy, "open proxy") && !has(&proxy, "Welcome"),
        "{proxy:#?}"
    );
}

#[test]
fn a_file_comes_over_a_connection_that_the_server_opens() {
    let lines = session("ftp", "files = \"1..1\"", "size = \"5000..5000\"");
    assert!(
        has(&lines, "PORT 198,51,100,1,") && has(&lines, "226 Transfer complete"),
        "{lines:#?}"
    );
    let data = lines.iter().filter(|line| line.contains(" < 20 ")).count();
    assert!(data >= 5, "{lines:#?}");
}

#[test]
fn an_interrupt_is_urgent() {
    let lines = session("telnet", "interrupts = \"1..1\"", "");
    assert!(
        lines
            .iter()
            .any(|line| line.contains("P.U urg 2") || line.contains("P.U urg")),
        "{lines:#?}"
    );
}

#[test]
fn who_asks_back_is_another_event_than_the_data_of_the_session() {
    let file = read(&format!(
        "{WORLD}[host.server.service.it]\napp = \"ftp\"\nident = true\n[activity.it]\napp = \"ftp\"\nfrom = \"client\"\n\
         to = \"server\"\nfiles = \"2..2\"\nclass = \"ftp\"\ncallback = \"ident-callback\"\n"
    ));
    let (_, truth) = record(&file.unwrap(), 3);
    let events: Vec<(&str, usize)> = truth
        .events
        .iter()
        .map(|event| (event.class.name(), event.ports.len()))
        .collect();
    assert!(events.contains(&("ident-callback", 1)), "{events:?}");
    assert_eq!(events.len(), 2);
}

#[test]
fn an_answer_that_does_not_fit_is_asked_again_over_tcp() {
    let lines = session(
        "dns",
        "names = \"www.example.com\"\nedns = false",
        "truncates = \"100%\"",
    );
    assert!(
        has(&lines, " 53 udp") && has(&lines, " 53 S "),
        "{lines:#?}"
    );
    let answered = lines
        .iter()
        .any(|line| line.contains(" < 53 ") && line.contains("P. ") && line.contains("www"));
    assert!(answered, "{lines:#?}");
    // It is one that needs more than a datagram: a whole window of it.
    let large = session(
        "dns",
        "names = \"www.example.com\"\ntypes = \"mx\"\nedns = false",
        "truncates = \"100%\"",
    );
    assert!(has(&large, "mx1"), "{large:#?}");
}

#[test]
fn a_zone_comes_in_several_messages_or_is_refused() {
    let zone = |server: &str| {
        session(
            "dns",
            "names = \"example.com\"\ntypes = \"axfr\"\nover_tcp = true",
            server,
        )
    };
    let allowed = zone("transfers = true\nzone = 200");
    let messages = allowed
        .iter()
        .filter(|line| line.contains(" < 53 ") && line.contains("example"))
        .count();
    assert!(messages >= 4, "{allowed:#?}");
    let refused = zone("");
    assert!(
        refused.len() < allowed.len() && has(&refused, " 53 S "),
        "{refused:#?}"
    );
}

#[test]
fn an_answer_that_comes_too_late_finds_the_port_closed() {
    let lines = session(
        "dns",
        "timeout = \"1s\"\ntries = 1",
        "slow = \"100%\"\nslow_think = \"20s\"",
    );
    assert!(has(&lines, "icmp 3/3"), "{lines:#?}");
    let twice = session("dns", "names = \"www.example.com\"", "copies = 2");
    assert!(
        has(&twice, "icmp 3/3"),
        "the second copy finds nobody: {twice:#?}"
    );
}

#[test]
fn servers_may_ask_from_their_own_port() {
    let lines = session("dns", "source_port = 53", "");
    assert!(
        has(&lines, " > 53 53 udp") && has(&lines, " < 53 53 udp"),
        "{lines:#?}"
    );
    let low = session(
        "dns",
        "source_port = \"600-1023\"\nevery = \"5s\"\nsessions = 20",
        "",
    );
    let mut ports: Vec<&str> = low
        .iter()
        .filter(|line| line.contains(" > "))
        .filter_map(|line| line.split(' ').nth(2))
        .collect();
    ports.sort_unstable();
    ports.dedup();
    assert!(ports.len() > 10, "{ports:?}");
}

#[test]
fn echo_and_chargen_never_stop_answering_each_other() {
    let lines = run(
        "[host.client.service.echo]\napp = \"datagram\"\nanswers = \"echo\"\n[host.server.service.chargen]\napp = \"datagram\"\nanswers = \"chargen\"\n\
         [host.other]\nsite = \"outside\"\naddress = \"198.51.100.9\"\nstack = \"linux-2.2\"\n\
         [activity.forge]\ntool = \"probe\"\nfrom = \"other\"\nto = \"server\"\nprotocol = \"udp\"\nports = 19\nsource_port = 7\nsources = [\"198.51.100.1\"]\npayload = \"text x\"\n",
    );
    assert!(
        lines.len() > 1000 && lines.iter().all(|line| line.contains(" udp ")),
        "{}",
        lines.len()
    );
}

#[test]
fn services_of_datagrams_answer_what_they_know() {
    let asked = |answers: &str, message: &str, port: u16| {
        run(&format!(
            "[host.server.service.it]\napp = \"datagram\"\nanswers = \"{answers}\"\n[activity.ask]\ntool = \"ask\"\nfrom = \"client\"\nto = \"server\"\n\
             ports = {port}\npayload = {message}\n"
        ))
    };
    assert!(has(
        &asked("snmp", "{ message = \"snmp\" }", 161),
        "running SunOS"
    ));
    assert_eq!(
        asked(
            "snmp",
            "{ message = \"snmp\", community = \"secret\" }",
            161
        )
        .len(),
        1,
        "a wrong word is not answered"
    );
    assert!(has(
        &asked("netbios", "{ message = \"netbios-status\" }", 137),
        "WORKGROUP"
    ));
    assert_eq!(
        asked(
            "portmapper",
            "{ message = \"portmap-getport\", program = \"mountd\" }",
            111
        )
        .len(),
        2
    );
    assert!(has(
        &asked("tftp", "{ message = \"tftp\" }", 69),
        "Access violation"
    ));
    assert!(has(
        &asked("xdmcp", "{ message = \"xdmcp\" }", 177),
        "SERVER"
    ));
}

#[test]
fn a_heartbeat_goes_on_whether_it_is_answered_or_not() {
    let lines = run(
        "[activity.beat]\napp = \"datagram\"\nfrom = \"client\"\nto = \"server\"\nport = 13223\nsource_port = 13223\nevery = \"30s\"\nrhythm = \"regular\"\npayload = \"text OPNG\"\n",
    );
    let beats = lines
        .iter()
        .filter(|line| line.contains(" > ") && line.contains("OPNG"))
        .count();
    assert!(beats == 20 || beats == 19, "{beats}");
    assert!(has(&lines, "icmp 3/3"));
}

#[test]
fn what_a_scenario_says_wrong_is_its_mistake() {
    let text = format!(
        "{WORLD}[host.server.service.it]\napp = \"smtp\"\nthink = \"5\"\n[activity.it]\napp = \"smtp\"\nfrom = \"client\"\nto = \"server\"\nevery = \"0s\"\n"
    );
    let errors = read(&text).unwrap_err();
    assert!(
        errors.contains("every: at least") && errors.contains("micro.toml:"),
        "{errors}"
    );
    assert!(errors.contains("5: a time with its unit"), "{errors}");
}

#[test]
fn an_activity_is_one_event_or_each_of_its_occasions_is() {
    let events = |app: &str, keys: &str| {
        let scenario = format!(
            "{WORLD}[host.server.service.it]\napp = \"{app}\"\n[activity.it]\napp = \"{app}\"\nfrom = \"client\"\n\
             to = \"server\"\nsessions = 3\nevery = \"60s\"\n{keys}\n"
        );
        let (_, truth) = record(&read(&scenario).unwrap(), 3);
        let labelled: u64 = truth.events.iter().map(|event| event.packets).sum();
        assert_eq!(
            labelled, truth.capture.packets,
            "{app}: every frame has one"
        );
        truth.events.len()
    };
    for (app, class) in [
        ("finger", "finger-probe"),
        ("dns", "dns"),
        ("ntp", "monitoring-poll"),
    ] {
        let class = format!("class = \"{class}\"");
        assert_eq!(events(app, &class), 1, "{app}");
        assert_eq!(events(app, &format!("{class}\napart = true")), 3, "{app}");
    }
}
