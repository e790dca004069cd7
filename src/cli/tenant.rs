//! `tenant`: edits tenant files, never anything outside.

use anyhow::anyhow;
use clap::{Args, Subcommand};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Global,
    error::{CommandError, Exit},
    input,
    report::{Ui, findings},
};
use crate::{check, diag::Report, name::slug::slug, output, sources::Sources, yaml};

#[derive(Debug, Args)]
pub(super) struct TenantArgs {
    #[command(subcommand)]
    command: TenantCommand,
}

#[derive(Debug, Subcommand)]
enum TenantCommand {
    /// Write the file of a new tenant
    New(NewArgs),
    /// List the tenants
    List,
}

#[derive(Debug, Args)]
pub(super) struct NewArgs {
    /// What people call the customer
    #[arg(value_name = "DISPLAY NAME")]
    pub(super) display_name: String,
    /// Its tier
    #[arg(long, value_name = "TIER")]
    pub(super) tier: String,
    /// Its region; the only one where the estate has one
    #[arg(long, value_name = "REGION")]
    pub(super) region: Option<String>,
    /// E-mail address of the customer's administrator
    #[arg(long, value_name = "MAIL")]
    pub(super) admin: String,
    /// E-mail address for invoices, where it is another one
    #[arg(long, value_name = "MAIL")]
    pub(super) billing: Option<String>,
    /// Host below the platform's domain; the slug of the display name where absent
    #[arg(long, value_name = "LABEL")]
    pub(super) subdomain: Option<String>,
    /// Id of the billing system's subscription
    #[arg(long, value_name = "ID")]
    pub(super) subscription: Option<String>,
    /// Start as a trial that ends at this time: UTC, `2027-01-31T00:00:00Z`
    #[arg(long, value_name = "TIME")]
    pub(super) trial_ends: Option<String>,
}

pub(super) fn run(ui: &Ui, global: &Global, args: &TenantArgs) -> Result<Exit, CommandError> {
    let directory = input::directory(global)?;
    let sources = input::from_directory(&directory)?;
    match &args.command {
        TenantCommand::New(args) => match new(ui, &sources, args)? {
            Some(file) => {
                // output (one file out)
                output::file(&directory.join(&file.path), &file.text).map_err(CommandError::external)?;
                ui.print(&format!("{}\n", directory.join(&file.path).display()));
                Ok(Exit::Done)
            }
            None => Ok(Exit::Findings),
        },
        TenantCommand::List => list(ui, &sources),
    }
}

/// A tenant file that is not yet written.
pub(super) struct NewFile {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) text: String,
}

/// Makes the file of a new tenant, or tells what is wrong with it and makes none.
pub(super) fn new(ui: &Ui, sources: &Sources, args: &NewArgs) -> Result<Option<NewFile>, CommandError> {
    let name = format!("{}-{}", slug(&args.display_name), suffix()?);
    let path = format!("tenants/{name}.yaml");
    let text = text(&name, args, &region(sources, args)?);
    // What was wrong before is not this command's business; what this file adds is.
    let before = check::check(sources).report;
    let mut with_it = sources.clone();
    with_it.insert(path.clone(), Ok(text.as_bytes().into()));
    let after = check::check(&with_it).report;
    let added = after.findings().iter().filter(|finding| !before.findings().contains(finding)).cloned();
    let added = Report::new(added.collect());
    if added.errors() > 0 {
        findings::tell(ui, &findings::Result { report: &added, sources: &with_it, tenants: 1 });
        return Ok(None);
    }
    Ok(Some(NewFile { name, path, text }))
}

/// Six hexadecimal digits at random: they tell customers of one name apart, and hide how many there are.
fn suffix() -> Result<String, CommandError> {
    let mut bytes = [0; 3];
    getrandom::fill(&mut bytes)
        .map_err(|error| CommandError::external(anyhow!("failed to get random bytes: {error}")))?;
    Ok(hex::encode(bytes))
}

fn region(sources: &Sources, args: &NewArgs) -> Result<String, CommandError> {
    if let Some(region) = &args.region {
        return Ok(region.clone());
    }
    let regions: Vec<String> = check::check(sources)
        .estate
        .map(|estate| estate.platform().regions.keys().cloned().collect())
        .unwrap_or_default();
    match &regions[..] {
        [only] => Ok(only.clone()),
        _ => Err(CommandError::usage(anyhow!("the estate has several regions")).hint(format!(
            "give one with --region: {}",
            if regions.is_empty() { "see tenantry.yaml".to_owned() } else { regions.join(", ") }
        ))),
    }
}

fn text(name: &str, args: &NewArgs, region: &str) -> String {
    let scalar = |text: &str| yaml::write(&Value::String(text.to_owned())).trim_end().to_owned();
    let subdomain = args.subdomain.clone().unwrap_or_else(|| name.to_owned());
    let mut contacts = format!("    admin: {}\n", scalar(&args.admin));
    if let Some(billing) = &args.billing {
        contacts.push_str(&format!("    billing: {}\n", scalar(billing)));
    }
    let subscription = match &args.subscription {
        Some(id) => format!("  subscription:\n    id: {}\n", scalar(id)),
        None => String::new(),
    };
    let lifecycle = match &args.trial_ends {
        // A time is text: unquoted, some readers of YAML would make a date of it.
        Some(time) => format!("    state: trial\n    trialEnds: {}\n", scalar(time)),
        None => "    state: active\n".to_owned(),
    };
    format!(
        "\
# yaml-language-server: $schema=../schemas/tenant.schema.json
apiVersion: tenantry.dev/v1
kind: Tenant
metadata:
  # Neither ever changes: every database, bucket and namespace is named after the one and marked with the other.
  name: {name}
  uid: {uid}
spec:
  displayName: {display_name}
  tier: {tier}
  region: {region}
  subdomain: {subdomain}
  contacts:
{contacts}{subscription}  # Changes of the tier, where it allows them: `tenantry explain {name}` shows what holds now.
  # overrides:
  #   quota:
  #     requests.cpu: \"8\"
  lifecycle:
{lifecycle}",
        uid = Uuid::now_v7(),
        display_name = scalar(&args.display_name),
        tier = scalar(&args.tier),
        region = scalar(region),
        subdomain = scalar(&subdomain),
    )
}

fn list(ui: &Ui, sources: &Sources) -> Result<Exit, CommandError> {
    let Some(estate) = super::pipeline::estate(ui, sources) else { return Ok(Exit::Findings) };
    let rows: Vec<[&str; 5]> = estate
        .tenants()
        .values()
        .map(|tenant| {
            let state = tenant.lifecycle.state.name();
            [tenant.name.as_str(), tenant.tier.as_str(), &tenant.region, state, &tenant.display_name]
        })
        .collect();
    ui.print(&super::report::table(["NAME", "TIER", "REGION", "STATE", "DISPLAY NAME"], &rows));
    Ok(Exit::Done)
}
