//! The page of a report in a real browser: what a reviewer sees, and that it asks nobody for anything.

use std::{env, fs, path::Path, process::Command};

use crate::estate::{Scratch, stdout};

/// A picture of a page.
struct Picture {
    width: usize,
    height: usize,
    /// Red, green and blue of each point.
    points: Vec<[u8; 3]>,
}

impl Picture {
    fn of(page: &Path, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("picture.png");
        let output = Command::new(env::var("TENANTRY_TEST_CHROMIUM").expect("tests/run names it"))
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1200,1600"])
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .arg(format!("--screenshot={}", file.display()))
            .args(arguments)
            .arg(format!("file://{}", page.display()))
            .output()
            .unwrap();
        let log = String::from_utf8_lossy(&output.stderr);
        let bytes = fs::read(&file).unwrap_or_else(|error| panic!("{error}: {log}"));
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut buffer = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut buffer).unwrap();
        let step = info.color_type.samples();
        let points = buffer[..info.buffer_size()].chunks_exact(step).map(|point| [point[0], point[1], point[2]]);
        Self { width: info.width as usize, height: info.height as usize, points: points.collect() }
    }

    /// How bright the corner is, which is nothing but background: 0 to 255.
    fn background(&self) -> u8 {
        self.points[self.width * (self.height - 1)][1]
    }

    /// The share of points, in percent, that `like` accepts.
    fn share(&self, like: impl Fn(&[u8; 3]) -> bool) -> f64 {
        self.points.iter().filter(|point| like(point)).count() as f64 * 100.0 / self.points.len() as f64
    }
}

fn page(scratch: &Scratch, name: &str, report: &str) -> std::path::PathBuf {
    let path = scratch.beside(name);
    fs::write(&path, report).unwrap();
    path
}

#[test]
#[ignore = "needs chromium: run by tests/run"]
fn a_reviewer_sees_the_report_in_light_and_in_dark() {
    let scratch = Scratch::flagship();
    fs::remove_file(scratch.path().join("tenants/lumiere-paris-9b27d4.yaml")).unwrap();
    scratch.edit("tenants/polar-gear-b1657e.yaml", "tier: business", "tier: premium");
    let report = stdout(&scratch.run(&["diff", "--format", "html"]).success());
    let page_path = page(&scratch, "report.html", &report);

    let light = Picture::of(&page_path, &[]);
    let dark = Picture::of(&page_path, &["--force-dark-mode", "--blink-settings=preferredColorScheme=0"]);
    assert!(light.background() > 240, "{}", light.background());
    assert!(dark.background() < 40, "{}", dark.background());
    // Dangers stand in red on top, and there is text all over the page.
    let is_red = |point: &[u8; 3]| point[0] > 130 && point[1] < 60 && point[2] < 80;
    assert!(light.share(is_red) > 0.05, "{}", light.share(is_red));
    let is_ink = |point: &[u8; 3]| point.iter().all(|part| *part < 120);
    assert!(light.share(is_ink) > 1.0, "{}", light.share(is_ink));

    if let Ok(folder) = env::var("TENANTRY_KEEP_PICTURES") {
        fs::create_dir_all(&folder).unwrap();
        fs::copy(&page_path, Path::new(&folder).join("report.html")).unwrap();
    }
}

/// Without a script: the page with that choice made looks otherwise.
#[test]
#[ignore = "needs chromium: run by tests/run"]
fn a_reviewer_chooses_side_by_side() {
    let scratch = Scratch::repository();
    scratch.edit("tiers/standard.yaml", "tag: v1.0.0", "tag: v1.0.1");
    let inline = stdout(&scratch.run(&["diff", "--format", "html"]).success());
    let side =
        inline.replace(r#"id="inline" checked"#, r#"id="inline""#).replace(r#"id="side""#, r#"id="side" checked"#);
    let draw = |name: &str, report: &str| Picture::of(&page(&scratch, name, report), &[]);
    let (inline, side) = (draw("inline.html", &inline), draw("side.html", &side));
    assert!(side.points != inline.points);
    // What goes and what comes stand in one line then, so less of the page is coloured from edge to edge.
    let coloured = |picture: &Picture| {
        let is_line =
            |line: &&[[u8; 3]]| line.iter().any(|point| *point == [0xff, 0xeb, 0xe9] || *point == [0xda, 0xfb, 0xe1]);
        picture.points.chunks(picture.width).filter(is_line).count()
    };
    assert!(coloured(&side) > 0 && coloured(&side) < coloured(&inline), "{} {}", coloured(&side), coloured(&inline));
}

/// With a script in a value, an image from elsewhere, and a style that would hide everything, the page stays as it is.
#[test]
#[ignore = "needs chromium: run by tests/run"]
fn what_a_tenant_writes_does_nothing_in_the_page() {
    let draw = |name: &str| {
        let scratch = Scratch::repository();
        let tenant = format!("tenants/{}.yaml", crate::estate::FIRST);
        scratch.edit(&tenant, "First Customer", name);
        let report = stdout(&scratch.run(&["diff", "--format", "html"]).success());
        (Picture::of(&page(&scratch, "report.html", &report), &[]), report)
    };
    let hostile = r#"'<script>document.body.remove()</script><style>body{background:red}</style><img src=x>'"#;
    let (picture, report) = draw(hostile);
    assert!(report.contains("&lt;script&gt;"), "{report}");
    assert!(picture.background() > 240, "{}", picture.background());
}
