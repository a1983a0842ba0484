//! Pictures in a window: seen and answered on a display of the test's own, and left out where there is none.

use crate::support::Workspace;

fn showing(workspace: &Workspace, level: u8) {
    workspace.copy_sample("plain", "in");
    let config = format!(r#"{{"outputs": {{"show_image_level": {level}, "max_parallel_workers": 4}}}}"#);
    workspace.write("in/config.json", config);
}

#[test]
fn without_a_display_pictures_are_left_out_and_nothing_else() {
    let workspace = Workspace::new();
    showing(&workspace, 0);
    workspace.omr(&["-i", "in", "-o", "quiet"]).succeeded();
    showing(&workspace, 6);
    for (display, output) in
        [(None, "none"), (Some(":987"), "wrong"), (Some("no display"), "garbage"), (Some(""), "empty")]
    {
        let variables: Vec<(&str, &str)> = display.map(|name| ("DISPLAY", name)).into_iter().collect();
        let run = workspace.omr_with(&["-i", "in", "-o", output], &variables).succeeded();
        let stderr = run.stderr();
        assert_eq!(stderr.matches("no window can be opened").count(), 1, "{stderr}");
        let one = "sheets are read one after the other, with 1 worker instead of 4: `show_image_level` is above 0";
        assert_eq!(stderr.matches(one).count(), 1, "{stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
        assert!(workspace.tree(output) == workspace.tree("quiet"), "{display:?}");
    }
}

#[cfg(target_os = "linux")]
mod on_a_display {
    use std::time::Duration;

    use image::{RgbImage, imageops};

    use super::showing;
    use crate::display::{Display, Q, RETURN, Running, SHIFT, SPACE, picture_in};
    use crate::support::{Run, Workspace};

    fn start(workspace: &Workspace, display: &Display) -> Running {
        start_with(workspace, display, &[])
    }

    fn start_with(workspace: &Workspace, display: &Display, more: &[&str]) -> Running {
        let mut command = workspace.command(&["-i", "in", "-o", "out"]);
        command.args(more);
        command.env("DISPLAY", &display.name);
        Running::start(command)
    }

    /// Mean difference of two pictures' channels, one laid over the other.
    fn difference(a: &RgbImage, b: &RgbImage) -> f64 {
        let b = imageops::resize(b, a.width(), a.height(), imageops::FilterType::Triangle);
        let sum: u64 = a.iter().zip(b.iter()).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        sum as f64 / a.as_raw().len() as f64
    }

    #[test]
    fn each_key_goes_on_by_one_picture_and_q_stops() {
        let Some(display) = Display::start() else { return };
        let workspace = Workspace::new();
        showing(&workspace, 3);
        let running = start(&workspace, &display);
        let window = display.shows("omr: page-1.png  1 of 4  input");
        assert!(display.window().unwrap().1.ends_with("(any key: next, q: stop)"));

        // A modifier alone is no answer, and a key that is held is one.
        display.tap(window, SHIFT);
        std::thread::sleep(Duration::from_millis(200));
        display.shows("page-1.png  1 of 4");
        display.hold(window, SPACE);
        display.shows("page-1.png  2 of 4  page");
        std::thread::sleep(Duration::from_millis(1500));
        display.shows("page-1.png  2 of 4  page");
        display.let_go(SPACE);
        display.tap(window, RETURN);
        display.shows("page-1.png  3 of 4  the template on the page");
        display.tap(window, SPACE);
        display.shows("page-1.png  4 of 4  marked");

        // It is the picture that is saved, and still is in a window of another size and shape.
        let saved = image::open(workspace.path("out/CheckedOMRs/page-1.png")).unwrap().to_rgb8();
        let fits = |pixels: &RgbImage| picture_in(pixels).filter(|picture| difference(picture, &saved) < 12.0);
        let shown = crate::display::until("the marked picture", || fits(&display.pixels(window)));
        display.resize(window, 900, 400);
        let resized = crate::display::until("the same, smaller", || {
            fits(&display.pixels(window)).filter(|picture| picture.height() < 400)
        });
        for picture in [&shown, &resized] {
            let shape = f64::from(picture.width()) / f64::from(picture.height());
            assert!((shape / (f64::from(saved.width()) / f64::from(saved.height())) - 1.0).abs() < 0.02, "{shape}");
        }

        // The rows of what was read are there, and no more is read.
        display.tap(window, SPACE);
        display.shows("page-2.jpg  1 of 4");
        display.tap(window, Q);
        let run = Run::from(running.end());
        assert_eq!(run.code(), 130, "{}", run.stderr());
        assert!(run.stderr().contains("stopped in `in/`: 2 of 3 images have their rows"), "{}", run.stderr());
        let rows = workspace.csv("out/Results/Results.csv.partial");
        assert_eq!(rows.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), ["file_id", "page-1.png", "page-2.jpg"]);
        assert!(!workspace.path("out/Results/Results.csv").exists());

        // The next run leaves what a first one does.
        workspace.omr(&["-i", "in", "-o", "out"]).succeeded();
        workspace.omr(&["-i", "in", "-o", "fresh"]).succeeded();
        assert!(workspace.tree("out") == workspace.tree("fresh"));
    }

    #[test]
    fn a_closed_window_ends_the_pictures_and_not_the_run() {
        let Some(mut display) = Display::start() else { return };
        let workspace = Workspace::new();
        showing(&workspace, 2);
        let running = start(&workspace, &display);
        let window = display.shows("page-1.png  1 of 1  marked");
        display.close(window);
        let run = Run::from(running.end()).succeeded();
        assert!(run.stderr().contains("the window was closed"), "{}", run.stderr());
        assert!(display.window().is_none() && display.is_up());
        workspace.omr(&["-i", "in", "-o", "unseen"]).succeeded();
        assert!(workspace.tree("out") == workspace.tree("unseen"));
    }

    #[test]
    fn layouts_are_shown_whatever_the_level_is() {
        let Some(display) = Display::start() else { return };
        let workspace = Workspace::new();
        showing(&workspace, 0);
        let running = start_with(&workspace, &display, &["--set-layout"]);
        let window = display.shows("omr: page-1.png  1 of 1  the template on the page");
        assert!(workspace.path("out/Layout/page-1.png.png").exists());
        display.tap(window, SPACE);
        display.shows("omr: page-2.jpg  1 of 1  the template on the page");
        display.tap(window, Q);
        let run = Run::from(running.end());
        assert_eq!(run.code(), 130, "{}", run.stderr());
        assert!(
            run.stderr().contains("stopped in `in/`: 2 of 3 images were done, in `out/Layout`; 1 not"),
            "{}",
            run.stderr()
        );
        assert!(!workspace.path("out/Layout/page-3.png.png").exists());

        // Closed, the others are drawn at once, as without a display.
        let running = start_with(&workspace, &display, &["--set-layout"]);
        display.close(display.shows("page-1.png"));
        Run::from(running.end()).succeeded();
        workspace.omr(&["-i", "in", "-o", "unseen", "--set-layout"]).succeeded();
        assert!(workspace.tree("out") == workspace.tree("unseen"));
    }

    #[test]
    fn a_folder_that_is_done_is_finished_when_the_run_is_stopped() {
        let Some(display) = Display::start() else { return };
        let workspace = Workspace::new();
        showing(&workspace, 2);
        for (page, folder) in [("page-1.png", "a"), ("page-2.jpg", "b"), ("page-3.png", "b")] {
            std::fs::create_dir_all(workspace.path("in").join(folder)).unwrap();
            std::fs::rename(workspace.path("in").join(page), workspace.path("in").join(folder).join(page)).unwrap();
        }
        let stopped = |page: &str, before: usize| {
            let running = start_with(&workspace, &display, &["--summary", "json"]);
            for page in &["page-1.png", "page-2.jpg", "page-3.png"][..before] {
                display.tap(display.shows(page), SPACE);
            }
            display.tap(display.shows(page), Q);
            Run::from(running.end())
        };
        let run = stopped("page-1.png", 0);
        assert_eq!(run.code(), 130, "{}", run.stderr());
        assert!(run.stderr().contains("stopped; 1 folder with 2 images not begun"), "{}", run.stderr());
        let summary: serde_json::Value = serde_json::from_str(&run.stdout()).unwrap();
        let counts = |of: &serde_json::Value| ["images", "read"].map(|key| of[key].as_u64());
        assert_eq!((summary["status"].as_str(), counts(&summary)), (Some("stopped"), [Some(3), Some(1)]));
        assert_eq!(
            (&summary["folders"][1]["folder"], counts(&summary["folders"][1])),
            (&"in/b/".into(), [Some(2), Some(0)])
        );
        assert!(workspace.path("out/a/Results/Results.csv").exists());
        assert!(!workspace.path("out/b/Results/Results.csv").exists());
        // Nothing is left to be stopped.
        let run = stopped("page-3.png", 2).succeeded();
        assert!(!run.stderr().contains("stopped"), "{}", run.stderr());
        assert!(workspace.path("out/b/Results/Results.csv").exists());
    }
}
