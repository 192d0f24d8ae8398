# The project of the runs, one user who may report issues in it and one who may only look. Prints their API keys.
Setting.rest_api_enabled = "1"
project = Project.create!(name: "createflow", identifier: "createflow", is_public: true,
                          trackers: Tracker.all, enabled_module_names: ["issue_tracking"])
viewing = Role.create!(name: "Viewer", permissions: [:view_issues])
{ "WRITER" => Role.find_by!(name: "Manager"), "READER" => viewing }.each do |name, role|
  user = User.new(firstname: name, lastname: "of createflow", mail: "#{name.downcase}@localhost.example",
                  status: User::STATUS_ACTIVE)
  user.login = name.downcase
  user.random_password
  user.save!
  Member.create!(project: project, principal: user, roles: [role])
  puts "export REDMINE_#{name}=#{user.api_key}"
end
