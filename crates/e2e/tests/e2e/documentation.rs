//! The pages of the documentation: their commands do what they show. The tests of the command line see to what needs no
//! cluster, and that no block is left out.

use anyhow::{Context, Result};
use sidecarset_e2e::document::{Block, Page, Shell, Treatment, in_english, pages};
use sidecarset_e2e::{Stage, has_real_nodes, kubectl_program, sidecarset_program};
use std::sync::Arc;

/// A folder for the commands of a page, in the namespace of the stage.
fn shell(stage: &Stage, path: &str) -> Result<Shell> {
    let program = sidecarset_program()?;
    let programs = [("kubectl", kubectl_program()), ("sidecarset", program.clone()), ("kubectl-sidecarset", program)];
    let name = path.trim_end_matches(".md").replace(['/', '.'], "-").to_lowercase();
    let mut shell = Shell::open(&name, &programs)?;
    let namespace = stage.scene().namespace();
    let own = shell.folder().join("kubeconfig").display().to_string();
    let (said, is_done) = shell.run(&format!(
        "kubectl config view --raw > {own}\nkubectl --kubeconfig {own} config set-context --current --namespace={namespace}"
    ))?;
    anyhow::ensure!(is_done, "{said}");
    shell.set("KUBECONFIG", &own);
    // Whoever follows a page does so in the default namespace.
    shell.replace(namespace, "default");
    Ok(shell)
}

fn is_for_a_cluster(block: &&Block) -> bool {
    block.directive.treatment == Some(Treatment::Cluster)
}

/// Returns the examples that the commands of a page apply.
fn examples(page: &Page) -> Vec<String> {
    let blocks = page.blocks.iter().filter(is_for_a_cluster);
    let texts = blocks.flat_map(|block| block.directive.before.iter().chain([&block.text]));
    let names = texts.flat_map(|text| text.split("examples/").skip(1).map(str::to_owned).collect::<Vec<_>>());
    names.filter_map(|rest| Some(rest.split_once('/')?.0.to_owned())).collect()
}

/// Runs the blocks of a page that are for a cluster, in their order.
async fn follow(path: &str) -> Result<()> {
    let page = Page::read(path)?;
    if !page.blocks.iter().any(|block| is_for_a_cluster(&block)) {
        return Ok(());
    }
    let examples = examples(&page);
    let stage = Stage::open("docs", &examples.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    let shell = Arc::new(shell(&stage, path)?);
    for block in &page.blocks {
        if let Some(Treatment::File(name)) = &block.directive.treatment {
            std::fs::write(shell.folder().join(name), &block.text)?;
        }
        let steps = if is_for_a_cluster(&block) { block.all_steps() } else { Vec::new() };
        for step in steps {
            let place = || format!("{path}:{}", block.line);
            let shell = Arc::clone(&shell);
            tokio::task::spawn_blocking(move || shell.follow(&step)).await?.with_context(place)?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_commands_of_the_pages_show_what_the_pages_say() -> Result<()> {
    if !has_real_nodes().await? {
        eprintln!("left out: the pages show what only real containers do");
        return Ok(());
    }
    // The Chinese pages have the same commands: the tests of the command line compare them.
    let paths = pages()?.into_iter().filter(|path| in_english(path) == *path);
    let pages = paths.map(async |path| follow(&path).await);

    let outcomes = futures::future::join_all(pages).await;

    let errors = outcomes.into_iter().filter_map(Result::err).map(|error| format!("{error:#}"));
    let errors: Vec<String> = errors.collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    Ok(())
}
