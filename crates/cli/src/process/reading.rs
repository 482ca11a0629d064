//! The kernel's texts about a process, and what they say.

/// How long one tick lasts in what the kernel tells: a hundredth of a second, whatever its own clock does.
const TICKS_A_SECOND: f64 = 100.0;

/// What stands for no limit in the older control groups: more than any machine has.
const NO_LIMIT: f64 = (1_u64 << 60) as f64;

/// Returns the limit of memory that a text of a control group tells; nothing if there is none.
pub fn limit(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|bytes| *bytes < NO_LIMIT)
}

/// The kernel's texts.
#[derive(Debug, Clone)]
pub struct Machine {
    /// `/proc/self/stat`
    pub stat: String,
    /// `/proc/self/status`
    pub status: String,
    /// `/proc/self/limits`
    pub limits: String,
    /// `/proc/stat`
    pub system: String,
    /// How many file descriptors are open.
    pub descriptors: usize,
}

/// What a process uses.
#[derive(Debug, Clone, PartialEq)]
pub struct Usage {
    pub cpu_seconds: f64,
    pub resident_bytes: u64,
    pub virtual_bytes: u64,
    pub threads: u64,
    pub open_descriptors: u64,
    /// None where there is no limit.
    pub most_descriptors: Option<u64>,
    /// In seconds of Unix time.
    pub began: f64,
}

impl Machine {
    /// Returns what the texts say; nothing if one of them is not what is expected.
    pub fn usage(&self) -> Option<Usage> {
        let ticks = |field| self.field(field)?.parse::<f64>().ok();
        Some(Usage {
            cpu_seconds: (ticks(14)? + ticks(15)?) / TICKS_A_SECOND,
            resident_bytes: self.kibibytes("VmRSS:")? * 1024,
            virtual_bytes: self.field(23)?.parse().ok()?,
            threads: self.field(20)?.parse().ok()?,
            open_descriptors: self.descriptors as u64,
            most_descriptors: self.most_descriptors(),
            began: self.booted()? + ticks(22)? / TICKS_A_SECOND,
        })
    }

    /// Returns a field of `stat`, counted from 1 as in proc_pid_stat(5). The second one is the name of the program, which
    /// may have anything in it.
    fn field(&self, number: usize) -> Option<&str> {
        let (_, after_name) = self.stat.rsplit_once(')')?;
        after_name.split_ascii_whitespace().nth(number.checked_sub(3)?)
    }

    fn kibibytes(&self, name: &str) -> Option<u64> {
        first_word_after(&self.status, name)?.parse().ok()
    }

    fn most_descriptors(&self) -> Option<u64> {
        first_word_after(&self.limits, "Max open files")?.parse().ok()
    }

    fn booted(&self) -> Option<f64> {
        first_word_after(&self.system, "btime")?.parse().ok()
    }
}

fn first_word_after<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(start))?.split_ascii_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Machine {
        Machine {
            stat: "71 (a (b) 9) S 1 71 71 0 -1 4194560 1511 0 0 0 250 50 0 0 20 0 5 0 10050 23068672 1280 18446744073709551615\n"
                .to_owned(),
            status: "Name:\ta\nVmPeak:\t   22528 kB\nVmRSS:\t    5120 kB\nThreads:\t5\n".to_owned(),
            limits: "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 524288               files\n"
                .to_owned(),
            system: "cpu  1 2 3\nbtime 1790000000\nprocesses 9\n".to_owned(),
            descriptors: 12,
        }
    }

    #[test]
    fn each_number_is_found_in_its_text() {
        let usage = machine().usage();

        let expected = Usage {
            cpu_seconds: 3.0,
            resident_bytes: 5 * 1024 * 1024,
            virtual_bytes: 23_068_672,
            threads: 5,
            open_descriptors: 12,
            most_descriptors: Some(1024),
            began: 1_790_000_100.5,
        };
        assert_eq!(usage, Some(expected));
    }

    #[test]
    fn no_limit_is_no_number() {
        let limits = "Max open files            unlimited            unlimited            files\n".to_owned();

        let usage = Machine { limits, ..machine() }.usage();

        assert_eq!(usage.map(|usage| usage.most_descriptors), Some(None));
    }

    #[test]
    fn a_limit_of_memory_is_a_number_that_a_machine_can_have() {
        assert_eq!(limit("268435456\n"), Some(268_435_456.0));
        assert_eq!(limit("max\n"), None);
        assert_eq!(limit("9223372036854771712\n"), None);
    }

    #[test]
    fn a_text_that_is_cut_off_says_nothing() {
        let stat = "71 (a) S 1 71".to_owned();

        assert_eq!(Machine { stat, ..machine() }.usage(), None);
    }
}
